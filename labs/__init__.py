"""The path: five phases of labs. Each builds one piece of MarketLag; solution.* is the real code."""
