"""Tables as they come: gzip, other delimiters, broken rows, broken files."""

import gzip

import pytest

from streams.errors import TowerError

from .importing import HEADER, convert

MAPPING = f'{HEADER}events: [{{kind: delivered, occurred_at: "{{when}}"}}]\n'
ROW = "1,2024-01-01T00:00Z\n"


def ids(rows):
    return [row[0]["order_id"] for row in rows]


def test_gzip_is_known_by_its_bytes(tmp_path):
    assert ids(convert(tmp_path, MAPPING, gzip.compress(f"id,when\n{ROW}".encode()))) == ["1"]


def test_a_byte_order_mark_blank_lines_and_other_line_ends(tmp_path):
    table = b"\xef\xbb\xbfid,when\r\n\r\n" + ROW.encode().replace(b"\n", b"\r\n")
    assert ids(convert(tmp_path, MAPPING, table)) == ["1"]


def test_another_delimiter_and_encoding(tmp_path):
    mapping = f'table: {{delimiter: ";", encoding: latin-1}}\n{MAPPING}'
    table = "id;when\ncôté;2024-01-01T00:00Z\n".encode("latin-1")
    assert ids(convert(tmp_path, mapping, table)) == ["côté"]


def test_rows_are_counted_as_data_and_named_with_their_line(tmp_path):
    table = f'id,when,note\n1,2024-01-01T00:00Z,"two\nlines"\n\n2,25:99,\n{ROW}'
    rows = convert(tmp_path, MAPPING, table)
    assert ids(rows[:1]) == ["1"]
    assert rows[1] == "shop.csv row 2 column when: '25:99' is not an instant (line 5)."
    assert rows[2] == "shop.csv row 3: it has 2 cells and the header has 3 (line 6)."


def test_an_event_id_that_comes_again_is_a_bad_row(tmp_path):
    rows = convert(tmp_path, MAPPING, f"id,when\n{ROW}{ROW}")
    assert rows[1] == (
        "shop.csv row 2 column id: the event_id '1/delivered' has been used already (line 3)."
    )


def test_what_the_contract_refuses_is_a_bad_row_with_its_column(tmp_path):
    (row,) = convert(tmp_path, MAPPING, "id,when\na b,2024-01-01T00:00Z\n")
    assert row.startswith("shop.csv row 1 column id: delivered: order_id: ")
    (row,) = convert(tmp_path, MAPPING, "id,when\n1,1815-06-18T11:00Z\n")
    assert row.startswith("shop.csv row 1 column when: delivered: occurred_at: ")


def test_bytes_that_are_no_text_are_a_bad_cell(tmp_path):
    rows = convert(tmp_path, MAPPING, b"id,when\n1,2024-01-01T00:00Z\n2,\xff\n")
    assert rows[1] == (
        "shop.csv row 2 column when: the file is not UTF-8: set `table.encoding`, for example"
        " to latin-1 or cp1252 (line 3)."
    )


def test_a_header_in_another_encoding_says_what_to_set(tmp_path):
    with pytest.raises(TowerError) as refused:
        convert(tmp_path, MAPPING, "id,when,côté\n".encode("latin-1"))
    assert str(refused.value) == (
        "shop.csv is not UTF-8: set `table.encoding`, for example to latin-1 or cp1252."
    )


def test_another_delimiter_than_the_mapping_says_is_named(tmp_path):
    with pytest.raises(TowerError) as refused:
        convert(tmp_path, MAPPING, "id;when\n1;2024-01-01T00:00Z\n")
    assert str(refused.value).endswith(
        "the whole header is one column, 'id;when': see `table.delimiter`."
    )


def test_a_needed_value_that_is_missing_is_a_bad_row(tmp_path):
    (row,) = convert(tmp_path, MAPPING, "id,when\n,2024-01-01T00:00Z\n")
    assert row == (
        "shop.csv row 1 column id: delivered needs order_id and there is none (line 2)."
    )


BROKEN = [
    (b"", "shop.csv has no header"),
    (b"id,when,when\n", "shop.csv has two columns named 'when'"),
    (gzip.compress(b"id,when\n" + ROW.encode() * 9, mtime=0)[:-9], "the gzip data is damaged"),
    (b'id,when\n1,"2024\n', "shop.csv row 1 (line 2) cannot be read: unexpected end of data"),
]


@pytest.mark.parametrize(("table", "says"), BROKEN)
def test_a_broken_file_is_one_sentence(tmp_path, table, says):
    with pytest.raises(TowerError) as refused:
        convert(tmp_path, MAPPING, table)
    assert says in str(refused.value)
