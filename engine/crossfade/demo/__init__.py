"""The whole story on an embedded server with live traffic."""
