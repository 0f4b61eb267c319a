"""Registers that districts kept before: their Excel and CSV files read, checked and answered.

Contents: `errors` (what a person is told), `encodings` and `tables` (a file as rows of cells),
`cells` and `dates` (what a cell says), `mapping`, `mapping_file`, `outline` (which column is which
field), `records` and `rows` (a row as a case or a rejection), `directory` (units), `report` (what
came of it).
Pure file work: no database, no engine, no clock; the present moment arrives as an argument.
"""
