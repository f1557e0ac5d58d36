"""Use cases: submit, plan, approve, activate, roll back, replan; and the durable runs behind them."""
