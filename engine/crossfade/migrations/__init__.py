"""Other tools' migrations: their folders and files read into values, in the order in which the tool applies them.

`read` makes projects of paths: `walk` opens what is there, `layouts/` know each tool's folders, `projects` puts both
together. `script` takes a file's SQL apart. `changed` asks git which files are of interest,
and `committed` how they were; `past` says what that, or a history, makes of them.
"""
