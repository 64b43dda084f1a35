"""What both simulations share: a model of the database, the rules that must always hold, and what users ask for."""
