"""A tower's inbox as a file: taken from Kafka, judged again, made a new tower of.

`lines` is the format, `files` reads it, `standing` and `taking` write it from a running tower,
`judging` folds it, `building` fills a new namespace with it. docs/exports.md has the file.
"""
