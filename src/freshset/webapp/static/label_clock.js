// The time that is left for a task.

import { serverTime } from "/static/api.js";

export class Clock {
  #timer = 0;

  // shown: element for the time left.  soon(seconds): it will be over soon; over(): it is.
  constructor(shown, { soon, over }) {
    this.shown = shown;
    this.events = { soon, over };
  }

  start({ expires_at: expires, seconds }) {
    this.stop();
    const end = Date.parse(expires);
    const warning = Math.min(60, seconds / 5);
    let said = 0;
    const tick = () => {
      const left = Math.max(0, Math.round((end - serverTime()) / 1000));
      this.shown.textContent = left > 3600 ? "" : `${minutes(left)} left`;
      this.shown.classList.toggle("soon", left <= warning);
      if (left <= warning && left > 0 && said < 1) {
        said = 1;
        this.events.soon(left);
      }
      if (left === 0) {
        this.stop();
        this.events.over();
      }
    };
    this.#timer = setInterval(tick, 500);
    tick();
  }

  stop() {
    clearInterval(this.#timer);
  }
}

const minutes = (seconds) => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
