"""The line that serves a checkpoint says limits that fit its own files."""

import shlex

from training.domain.serving import adapter_line, image_tokens, model_length, serve_line


def test_a_picture_takes_as_many_tokens_as_its_pixels_need():
    assert image_tokens({"patch_size": 14, "merge_size": 2, "max_pixels": 12845056}) == 16384
    assert image_tokens({"patch_size": 14, "merge_size": 2, "size": {"longest_edge": 7056}}) == 9
    assert image_tokens({"patch_size": 16, "size": {}}) is None


def test_the_length_holds_pictures_text_and_answer_and_never_exceeds_the_model():
    large = {"max_pixels": 12845056}
    assert model_length({"max_position_embeddings": 128000}, large, images=2, max_new_tokens=1024) == 35840
    assert model_length({"text_config": {"max_position_embeddings": 1024}}, large, images=1, max_new_tokens=64) == 1024
    assert model_length({}, {}, images=1, max_new_tokens=64) is None


def test_a_shell_reads_the_line_as_it_is_meant():
    line = serve_line("/runs/a b/final", "mini/it's", max_model_len=4096, images=2, dtype="bfloat16")
    words = shlex.split(line)
    assert words[:3] == ["vllm", "serve", "/runs/a b/final"]
    assert dict(zip(words[3::2], words[4::2], strict=True)) == {
        "--served-model-name": "mini/it's",
        "--max-model-len": "4096",
        "--limit-mm-per-prompt": '{"image": 2}',
        "--dtype": "bfloat16",
    }
    assert "--max-model-len" not in serve_line("/m", "m", max_model_len=None, images=1)


def test_adapters_that_are_not_merged_are_served_beside_their_parent():
    assert adapter_line("vllm serve /m", "mine", "/a", 64).endswith(
        "--enable-lora --max-lora-rank 64 --lora-modules mine=/a"
    )
    assert "--max-lora-rank 16 " in adapter_line("vllm serve /m", "mine", "/a", 9), "the next rank that vLLM takes"
