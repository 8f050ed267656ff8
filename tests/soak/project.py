"""The project of a soak: a template with one function for each `Subject`, and a handler that does as it is told.

Each run appends a line to a file when it begins and another when it ends; the kernel keeps both when the process is
killed. Written by `driver.py`, read back as `Runs`.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.soak.plan import Subject

_HANDLER = """
import os, time

OUT = os.open(os.environ["RUNS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
SERVER = os.environ["AWS_ENDPOINT_URL"].rpartition(":")[2] + f"/{os.getppid()}"  # ports come again
MARKS = os.environ["MARKS"]

def note(word, event, context):
    line = f"{word} {context.aws_request_id} {event['number']} {event['sending']} {SERVER}\\n"
    os.write(OUT, line.encode())

def handler(event, context):
    note("began", event, context)
    match event["do"]:
        case "slow":
            time.sleep(0.02 + event["number"] % 20 / 100)
        case "fail":
            raise ValueError("intended")
        case "crash":
            os._exit(3)
        case "hang":
            time.sleep(60)
        case "flaky":
            mark = os.path.join(MARKS, context.aws_request_id)
            if not os.path.exists(mark):
                os.close(os.open(mark, os.O_WRONLY | os.O_CREAT))
                raise ValueError("the first time only")
    note("ended", event, context)
    return event["number"]
"""

_FUNCTION = """
  {name}Dead: {{ Type: AWS::SQS::Queue, Properties: {{ QueueName: {name}-dead }} }}
  {name}:
    Type: AWS::Lambda::Function
    Properties:
      FunctionName: {name}
      Runtime: python3.11
      Handler: app.handler
      Timeout: 1
      Role: arn:aws:iam::123456789012:role/any
      Code: src
      {reserved}
      DeadLetterConfig: {{ TargetArn: !GetAtt {name}Dead.Arn }}
      Environment: {{ Variables: {{ RUNS: "{runs}", MARKS: "{marks}" }} }}
  {name}Config:
    Type: AWS::Lambda::EventInvokeConfig
    Properties:
      FunctionName: !Ref {name}
      Qualifier: $LATEST
      MaximumRetryAttempts: {retries}
"""

_RECORDS = """\
      DestinationConfig:
        OnFailure: {{ Destination: !GetAtt {name}Failed.Arn }}
        OnSuccess: {{ Destination: !GetAtt {name}Done.Arn }}
  {name}Failed: {{ Type: AWS::SQS::Queue, Properties: {{ QueueName: {name}-failed }} }}
  {name}Done: {{ Type: AWS::SQS::Queue, Properties: {{ QueueName: {name}-done }} }}
"""


def write(folder: Path, subjects: Sequence[Subject], runs: Path, marks: Path) -> Path:
    """The project in `folder`; returns it."""
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "app.py").write_text(_HANDLER)
    parts = ["Resources:"]
    for subject in subjects:
        reserved = "" if subject.reserved is None else f"ReservedConcurrentExecutions: {subject.reserved}"
        retries = max(0, subject.runs - 1)
        parts.append(_FUNCTION.format(name=subject.name, reserved=reserved, retries=retries, runs=runs, marks=marks))
        if subject.records:
            parts.append(_RECORDS.format(name=subject.name))
    (folder / "template.yaml").write_text("".join(parts))
    return folder


@dataclass(slots=True)
class Run:
    """The runs of one event, by the server that ordered them."""

    number: int
    sending: int
    began: Counter[str] = field(default_factory=Counter)
    ended: int = 0


class Runs:
    """What handlers noted, read as it grows. `by_id`: request id → its runs."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self.by_id: dict[str, Run] = {}
        self.totals: dict[str, int] = defaultdict(int)

    def read(self) -> None:
        for line in self._new_lines():
            word, request_id, number, sending, server = line.split()
            run = self.by_id.setdefault(request_id, Run(int(number), int(sending)))
            self.totals[word] += 1
            if word == "began":
                run.began[server] += 1
            else:
                run.ended += 1

    def _new_lines(self) -> Iterator[str]:
        if not self._path.exists():
            return
        with self._path.open() as file:
            file.seek(self._offset)
            while (line := file.readline()).endswith("\n"):
                yield line
                self._offset = file.tell()
