"""The planner: logical plan, rules, traits, physical graph and EXPLAIN."""
