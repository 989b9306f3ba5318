"""What functions are told of the resources that their call holds: HOLD."""

from __future__ import annotations

import json
import os
from typing import Any, Dict

import pytest

from . import wire
from .driver import FunctionProcess

GPU = {"cpus": {"amount": 2, "indices": ["0", "3"]}, "gpus": {"amount": 0.5, "indices": ["4"]}}
CPU = {"cpus": {"amount": 1, "indices": ["7"]}}
LIGHT = 1


def hold(resources: Any) -> bytes:
    return b"\x05" + wire.text(resources if isinstance(resources, str) else json.dumps(resources))


def show_resources(context: Any) -> str:
    return json.dumps(context.resources)


def show_gpus() -> str:
    return os.environ.get("CUDA_VISIBLE_DEVICES", "unset")


def test_the_context_says_what_the_last_hold_said(process: FunctionProcess) -> None:
    number = process.define((show_resources, True))
    assert json.loads(process.call(number)) == {}
    process.send(hold(GPU))
    assert json.loads(process.call(number)) == GPU
    assert json.loads(process.call(number, flags=LIGHT)) == {}
    process.send(wire.call(101, number), hold(CPU), wire.call(102, number))
    assert [json.loads(process.next_record().value) for _ in range(2)] == [GPU, CPU]


def test_a_function_cannot_change_what_others_are_told(process: FunctionProcess) -> None:
    def change(context: Any) -> str:
        context.resources["gpus"]["indices"].append("9")
        context.resources.clear()
        return json.dumps(context.resources)

    process.send(hold(GPU))
    assert json.loads(process.call((change, True))) == GPU


@pytest.mark.parametrize("own", [None, "5,6"])
def test_cuda_visible_devices(own: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    env: Dict[str, str] = {} if own is None else {"CUDA_VISIBLE_DEVICES": own}
    with FunctionProcess(env=env) as process:
        number = process.define(show_gpus)
        before = (own or "unset").encode()
        assert process.call(number) == before
        process.send(hold(GPU))
        assert process.call(number) == b"4"
        process.send(hold({"gpus": {"amount": 2, "indices": ["1", "GPU-8f"]}}))
        assert process.call(number) == b"1,GPU-8f"
        assert process.call(number, flags=LIGHT) == before
        assert process.call(number) == b"1,GPU-8f"
        process.send(hold(CPU))
        assert process.call(number) == before


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"gpus": {"amount": 1}}', '{"gpus": null}', '{"a": {"amount": "x"}}']
)
def test_a_hold_that_cannot_be_understood_ends_the_process(text: str) -> None:
    process = FunctionProcess()
    process.send(hold(text))
    assert process.process.wait(60) == 70
    assert "can't be understood" in process.error_text()
    process.socket.close()
    process.errors.close()
    process.output.close()
