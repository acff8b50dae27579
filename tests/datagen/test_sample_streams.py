"""Samples by the chunk and answers by the item: the same as if all were held."""

import pytest

from core.domain.files import hash_bytes, hash_parts, write_atomic
from core.specs import AnswerRow
from datagen import sample_streams
from datagen.models import Sample
from datagen.sample_streams import AnswersFile, samples_chunked
from tests.datagen.test_datasets import make_filled


@pytest.mark.django_db
def test_chunks_keep_the_order_that_was_asked_for(monkeypatch):
    monkeypatch.setattr(sample_streams, "CHUNK", 3)
    make_filled(8, 8)
    keys = list(Sample.objects.order_by("-slot__index").values_list("pk", flat=True))
    chunks = list(samples_chunked(keys, without=["evidence"]))
    assert [len(chunk) for chunk in chunks] == [3, 3, 2]
    assert [sample.pk for chunk in chunks for sample in chunk] == keys
    assert "evidence" in chunks[0][0].get_deferred_fields()


def test_answers_are_found_by_item_wherever_their_lines_stand(tmp_path):
    told = [("s1/t0", 0), ("s0/t0", 0), ("s1/t0", 1), ("s0/t0", 1)]
    rows = [
        AnswerRow(id=name, sample_ix=ix, text=f"{name} \N{SNOWMAN}\n{ix}", num_tokens=3, finish="stop", batch=0)
        for name, ix in told
    ]
    path = tmp_path / "answers.jsonl"
    write_atomic(path, (f"{row.model_dump_json()}\n" for row in rows))
    answers = AnswersFile(path)
    assert answers.rows("s1/t0") == [rows[0], rows[2]]
    assert answers.rows("s0/t0") == [rows[1], rows[3]]
    assert answers.rows("s2/t0") == []


def test_a_file_written_in_parts_is_the_same_file_and_has_the_same_hash(tmp_path):
    parts = ["one\n", "zw\N{LATIN SMALL LETTER O WITH DIAERESIS}lf\n"]
    write_atomic(tmp_path / "file", iter(parts))
    assert (tmp_path / "file").read_text() == "".join(parts)
    assert hash_parts(parts) == hash_bytes("".join(parts))
