"""Results of networks that were trained elsewhere: tables of predictions become transfer results."""
