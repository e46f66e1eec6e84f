"""Sessions of the starter whose process died at a chosen event."""

from lllm.log import LocalFileLog


def open_log(project):
    return LocalFileLog("demo", {"log_dir": str(project / ".lllm/logs")})


def cut(project, kind, id_="", session="whole", name="died"):
    """Leave a session that ends right behind an event of another, and return its name."""
    folder = open_log(project).folder
    events = list(open_log(project).read_session(session))
    count = next(e.seq for e in events if e.kind == kind and e.id.startswith(id_))
    lines = (folder / session / "events-000001.jsonl").read_bytes().splitlines(keepends=True)
    (folder / name).mkdir()
    (folder / name / "events-000001.jsonl").write_bytes(b"".join(lines[:count]))
    return name


def kinds(project, session):
    return [(e.kind, e.id) for e in open_log(project).read_run(session)]
