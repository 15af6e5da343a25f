"""The pages: requests in, HTML out. What stands behind them lies in the folders beside this one."""
