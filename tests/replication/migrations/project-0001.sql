BEGIN TRANSACTION;
CREATE TABLE answers (
	worker VARCHAR(255) NOT NULL, 
	item_id VARCHAR(255) NOT NULL, 
	class_key VARCHAR(255) NOT NULL, 
	task_id VARCHAR(64) NOT NULL, 
	selected DOUBLE NOT NULL, 
	accepted_at VARCHAR(32) NOT NULL, 
	submitted_at VARCHAR(32) NOT NULL, 
	assignment_id VARCHAR(128) NOT NULL, 
	source VARCHAR(64) NOT NULL, 
	PRIMARY KEY (worker, item_id, class_key)
);
CREATE TABLE class_reviews (
	revision VARCHAR(255) NOT NULL, 
	class_key VARCHAR(255) NOT NULL, 
	reviewed BOOLEAN NOT NULL, 
	problematic BOOLEAN NOT NULL, 
	basis VARCHAR(64) NOT NULL, 
	who VARCHAR(255) NOT NULL, 
	at VARCHAR(32) NOT NULL, 
	version INTEGER NOT NULL, 
	PRIMARY KEY (revision, class_key)
);
CREATE TABLE exclusions (
	item_id VARCHAR(255) NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	reason VARCHAR NOT NULL, 
	who VARCHAR(255) NOT NULL, 
	at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (item_id)
);
CREATE TABLE images (
	item_id VARCHAR(255) NOT NULL, 
	path VARCHAR NOT NULL, 
	pixels VARCHAR(64) NOT NULL, 
	width INTEGER NOT NULL, 
	height INTEGER NOT NULL, 
	format VARCHAR(16) NOT NULL, 
	bytes INTEGER NOT NULL, 
	PRIMARY KEY (item_id)
);
INSERT INTO "images" VALUES('a1','images/a1.png','a1',8,8,'PNG',100);
INSERT INTO "images" VALUES('a2','images/a2.png','a2',8,8,'PNG',100);
INSERT INTO "images" VALUES('b1','images/b1.png','b1',8,8,'PNG',100);
CREATE TABLE log (
	seq INTEGER NOT NULL, 
	at VARCHAR(32) NOT NULL, 
	who VARCHAR(255) NOT NULL, 
	action VARCHAR(64) NOT NULL, 
	subject VARCHAR(255) NOT NULL, 
	why VARCHAR NOT NULL, 
	detail JSON NOT NULL, 
	previous VARCHAR(64) NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	PRIMARY KEY (seq)
);
INSERT INTO "log" VALUES(1,'2026-11-26T00:33:24.131037+00:00','ada','project.create','','begin','{"version": 1, "digest": "a218e4ad60d6d4620adcbbfc0debc224c3ef9932c1b60d4a339bfbc968ab9157"}','','d30f2f23c05a91d014796a5aa55edb3a88495a1f8cd05b0f8f018be497225328');
INSERT INTO "log" VALUES(2,'2026-11-26T00:33:24.134609+00:00','ada','test.images','','test','{}','d30f2f23c05a91d014796a5aa55edb3a88495a1f8cd05b0f8f018be497225328','b2a33484a5e666827b68c5ba35b0a6e666716895b1c960f2dc72c6d29c429ed7');
INSERT INTO "log" VALUES(3,'2026-11-26T00:33:24.137084+00:00','ada','test.images','','test','{}','b2a33484a5e666827b68c5ba35b0a6e666716895b1c960f2dc72c6d29c429ed7','1cf94d21abd3c25035e12b74b821cadeae33be28932409cf506387513cf5b7b1');
CREATE TABLE members (
	item_id VARCHAR(255) NOT NULL, 
	pool VARCHAR(32) NOT NULL, 
	class_key VARCHAR(255) NOT NULL, 
	keyword VARCHAR(255) NOT NULL, 
	PRIMARY KEY (item_id, pool, class_key), 
	FOREIGN KEY(item_id) REFERENCES images (item_id)
);
INSERT INTO "members" VALUES('a1','candidate','cat','');
INSERT INTO "members" VALUES('a2','candidate','cat','');
INSERT INTO "members" VALUES('b1','test','dog','');
CREATE TABLE neighbours (
	item_id VARCHAR(255) NOT NULL, 
	metric VARCHAR(32) NOT NULL, 
	rank INTEGER NOT NULL, 
	neighbour VARCHAR(255) NOT NULL, 
	distance DOUBLE NOT NULL, 
	PRIMARY KEY (item_id, metric, rank)
);
CREATE TABLE origins (
	source VARCHAR(64) NOT NULL, 
	"key" VARCHAR NOT NULL, 
	class_key VARCHAR(255) NOT NULL, 
	item_id VARCHAR(255), 
	failure VARCHAR NOT NULL, 
	keyword VARCHAR(255) NOT NULL, 
	url VARCHAR NOT NULL, 
	page VARCHAR NOT NULL, 
	author VARCHAR NOT NULL, 
	licence VARCHAR NOT NULL, 
	taken_at VARCHAR(40) NOT NULL, 
	uploaded_at VARCHAR(40) NOT NULL, 
	retrieved_at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (source, "key", class_key)
);
CREATE TABLE pairs (
	a VARCHAR(255) NOT NULL, 
	b VARCHAR(255) NOT NULL, 
	verdict VARCHAR(16) NOT NULL, 
	who VARCHAR(255) NOT NULL, 
	at VARCHAR(32) NOT NULL, 
	version INTEGER NOT NULL, 
	PRIMARY KEY (a, b)
);
CREATE TABLE revisions (
	name VARCHAR(255) NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	parent VARCHAR(255) NOT NULL, 
	document JSON NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	touched BOOLEAN NOT NULL, 
	at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (name), 
	UNIQUE (digest)
);
CREATE TABLE settings (
	"key" VARCHAR(64) NOT NULL, 
	value JSON NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "settings" VALUES('schema',1);
INSERT INTO "settings" VALUES('project','"3a3b55b1fe046b10"');
INSERT INTO "settings" VALUES('log','{"seq": 3, "digest": "1cf94d21abd3c25035e12b74b821cadeae33be28932409cf506387513cf5b7b1"}');
CREATE TABLE specs (
	version INTEGER NOT NULL, 
	text VARCHAR NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (version)
);
INSERT INTO "specs" VALUES(1,'name: animals/fresh
original: animals/test
per_class: 4
classes:
  - {key: cat, definition: It purrs., confused_with: dog}
  - {key: dog, confused_with: cat}
','a218e4ad60d6d4620adcbbfc0debc224c3ef9932c1b60d4a339bfbc968ab9157','2026-11-26T00:33:24.131037+00:00');
CREATE TABLE task_items (
	task_id VARCHAR(64) NOT NULL, 
	position INTEGER NOT NULL, 
	item_id VARCHAR(255) NOT NULL, 
	role VARCHAR(16) NOT NULL, 
	token VARCHAR(32) NOT NULL, 
	PRIMARY KEY (task_id, position), 
	FOREIGN KEY(task_id) REFERENCES tasks (task_id)
);
CREATE TABLE tasks (
	task_id VARCHAR(64) NOT NULL, 
	batch VARCHAR(64) NOT NULL, 
	class_key VARCHAR(255) NOT NULL, 
	created_at VARCHAR(32) NOT NULL, 
	status VARCHAR(16) NOT NULL, 
	external_id VARCHAR(128) NOT NULL, 
	PRIMARY KEY (task_id)
);
CREATE INDEX ix_log_action ON log (action);
CREATE INDEX ix_log_subject ON log (subject);
CREATE TRIGGER log_refuses_update BEFORE UPDATE ON log
    BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
CREATE TRIGGER log_refuses_delete BEFORE DELETE ON log
    BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
CREATE TRIGGER log_refuses_replace BEFORE INSERT ON log
    WHEN EXISTS (SELECT 1 FROM log WHERE seq = NEW.seq)
    BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
CREATE INDEX ix_images_pixels ON images (pixels);
CREATE INDEX ix_origins_item_id ON origins (item_id);
CREATE INDEX ix_tasks_class_key ON tasks (class_key);
CREATE INDEX ix_tasks_batch ON tasks (batch);
CREATE INDEX ix_answers_task_id ON answers (task_id);
CREATE INDEX answers_by_question ON answers (item_id, class_key);
CREATE INDEX ix_task_items_item_id ON task_items (item_id);
COMMIT;
