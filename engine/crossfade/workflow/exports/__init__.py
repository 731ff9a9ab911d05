"""A program written as migrations for a team's own tool: what they do, what they are in the tool's layout, as files."""
