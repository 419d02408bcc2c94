"""DynamoDB through pynamodb: one module a table, conditions named."""
