"""The one exception that ends a run by name, and the names of what others raise."""

from core.specs import ErrorFile, GpuErrorCode

# What to change, by the error's name; the message says what happened.
ADVICE: dict[GpuErrorCode, str] = {
    "out_of_memory": "Lower micro_batch_size, max_completion_tokens or the pixel limit, set lora_rank, "
    "or take more GPUs; the run goes on from its newest checkpoint.",
    "diverged": "Lower learning_rate, or raise beta; look at the KL and the gradient just before.",
    "gpu_lost": "Look for Xid lines in the host's dmesg and at nvidia-smi; retry on another GPU. If the same step "
    "fails there too, it is the data or the code: repeat it with CUDA_LAUNCH_BLOCKING=1.",
    "server_lost": "Start the vLLM server (or correct vllm_url), then retry.",
    "reward_failed": "The reward is at fault, not the model: mend it, then retry.",
}
MEMORY_SIGNS = ("can't allocate memory", "out of memory", "cublas_status_alloc_failed")
GPU_SIGNS = (
    "cuda error",
    "device-side assert",
    "unspecified launch failure",
    "uncorrectable ecc",
    "fallen off the bus",
    "no cuda-capable device",
    "cublas_status_",
    "cudnn_status_",
    "nccl error",
)
SERVER_SIGNS = ("connection refused", "max retries exceeded", "read timed out", "connection aborted")
SERVER_ERRORS = ("ConnectionError", "ConnectTimeout", "ReadTimeout", "ConnectionRefusedError")


class GpuFault(Exception):
    """A run cannot go on, for a reason that has a name; the message is one line for a person."""

    def __init__(self, code: GpuErrorCode, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code: GpuErrorCode = code
        self.message = message


def one_line(error: BaseException, limit: int = 300) -> str:
    """The error's text in one line of at most ``limit`` characters; its class name when it has no text."""
    return " ".join(str(error).split())[:limit] or type(error).__name__


def named_error(error: BaseException) -> ErrorFile | None:
    """The error's name with what to change, if it has one; anything else is a bug and stays a traceback in the log."""
    if isinstance(error, GpuFault):
        return advised(error.code, error.message)
    code = code_of(error)
    return advised(code, one_line(error)) if code else None


def code_of(error: BaseException) -> GpuErrorCode | None:
    """Memory, GPU or server, told apart by what torch, CUDA and the vLLM client say."""
    kind, text = type(error).__name__, str(error).lower()
    if isinstance(error, MemoryError) or kind == "OutOfMemoryError" or any(sign in text for sign in MEMORY_SIGNS):
        return "out_of_memory"
    if any(sign in text for sign in GPU_SIGNS):
        return "gpu_lost"
    if kind in SERVER_ERRORS and any(sign in text for sign in (*SERVER_SIGNS, "errno 111")):
        return "server_lost"
    return None


def advised(code: GpuErrorCode, message: str) -> ErrorFile:
    """The error with the sentence that says what to change."""
    advice = ADVICE.get(code, "")
    return ErrorFile(code=code, message=f"{message} {advice}".strip())
