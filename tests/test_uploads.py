"""Files that are sent: received whole or not at all, charged to their sender, and deleted in the end."""

import io
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest

from jobs.account import StorageAccount
from tests import event_loop
from tests.asgi import BLOCKS, UPLOAD, Inside, ask, guarded
from ui.server import upload_request, uploads
from ui.server.uploads import LEAST_CHARGE, store, uploaded

EVERYTHING = 10**9


@pytest.fixture
def account(monkeypatch):
    account = StorageAccount(EVERYTHING, EVERYTHING)
    monkeypatch.setattr(uploads, "_account", account)
    return account


@pytest.fixture
def folder(monkeypatch, tmp_path):
    monkeypatch.setattr(uploads, "get_upload_folder", lambda: str(tmp_path / "uploads"))
    monkeypatch.setattr(uploads, "_unread", Counter())
    monkeypatch.setattr(BLOCKS, "upload_file_set", set())
    return tmp_path / "uploads"


def _files(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def _part(name='name="files"; filename="a.png"', content=b"content", header=b""):
    return b"--x\r\nContent-Disposition: form-data; %s\r\n%s\r\n%s\r\n" % (name.encode(), header, content)


def _body(*parts):
    return b"".join(parts) + b"--x--\r\n"


def _send(
    guard, body, client="8.8.8.8", content_type="multipart/form-data; boundary=x", chunks=None, length=None
):
    headers = {
        b"content-type": content_type.encode("latin-1"),
        b"content-length": str(len(body) if length is None else length).encode(),
    }
    status, _, answer = ask(guard, "POST", UPLOAD, body, headers.items(), client, chunks)
    return status, answer


def test_files_are_stored_under_their_content_and_charged_to_their_sender(account, folder):
    body = _body(_part(content=b"a" * 100_000), _part(content=b"b"))
    status, paths = _send(guarded(), body)
    assert status == 200
    assert [Path(path).read_bytes() for path in paths] == [b"a" * 100_000, b"b"]
    assert sorted(map(str, _files(folder))) == sorted(paths)
    assert BLOCKS.upload_file_set == set(paths)
    assert account.stored_bytes("8.8.8.8") == account.stored_bytes() == 100_000 + LEAST_CHARGE
    for path in paths:
        with uploaded({"path": path}):
            pass
    assert list(folder.iterdir()) == []
    assert account.stored_bytes() == 0


def test_a_file_that_two_send_is_there_until_both_have_read_it(account, folder):
    guard = guarded()
    [[one], [two]] = [_send(guard, _body(_part()), client)[1] for client in ("8.8.8.8", "8.8.4.4")]
    assert one == two
    assert account.stored_bytes() == LEAST_CHARGE
    for left in (1, 0):
        with uploaded({"path": one}) as path:
            assert path.is_file()
        assert len(_files(folder)) == left
    assert account.stored_bytes() == 0


@pytest.mark.parametrize(
    "name",
    [
        "../../../../tmp/evil.png",
        "/etc/evil.png",
        "C:\\evil.png",
        "..",
        ".",
        "",
        "\x1b[31m\u202egnp.exe",
        "a" * 3000,
        "é" * 300 + ".png",
    ],
)
def test_the_name_of_a_file_leads_nowhere_else(account, folder, name):
    path = store(io.BytesIO(b"evil"), name, "8.8.8.8")
    [stored] = _files(folder)
    assert str(stored) == path
    assert stored.parent.parent == folder
    assert stored.name.isprintable()
    uploads.forget(path)


@pytest.mark.parametrize(
    ("body", "content_type", "status", "sentence"),
    [
        (_body(_part('name="files"')), "multipart/form-data; boundary=x", 400, "fields called files"),
        (_body(_part("name=files; filename*=utf-8''a.png")), "multipart/form-data; boundary=x", 400, "files"),
        (_body(_part('name="other"; filename="a.png"')), "multipart/form-data; boundary=x", 400, "files"),
        (_body(_part('filename="a.png"')), "multipart/form-data; boundary=x", 400, "fields called files"),
        (_body(_part("")), "multipart/form-data; boundary=x", 400, "fields called files"),
        (_body(_part(header=b"A:" + b"a" * 9000 + b"\r\n")), "multipart/form-data; boundary=x", 400, "files"),
        (_body(*[_part()] * 9), "multipart/form-data; boundary=x", 400, "At most 8 files"),
        (_body(), "multipart/form-data; boundary=x", 400, "fields called files"),
        (b"", "multipart/form-data; boundary=x", 400, "fields called files"),
        (b"nothing of the kind", "multipart/form-data; boundary=x", 400, "fields called files"),
        (_body(_part(), _part("name=other")), "multipart/form-data; boundary=x", 400, "fields called files"),
        (_body(_part()), "multipart/form-data; boundary=" + "x" * 71, 415, "multipart"),
        (_body(_part()), "multipart/form-data; boundary=" + "x" * 257, 415, "multipart"),
        (_body(_part()), 'multipart/form-data; boundary="', 415, "multipart"),
        (_body(_part()), "multipart/form-data; boundary=\xe9", 415, "multipart"),
        (_body(_part()), "multipart/form-data; boundary*=x", 415, "multipart"),
        (_body(_part()), "multipart/form-data", 415, "multipart"),
        (_body(_part()), "multipart/form-databoundary=x", 415, "multipart"),
        (_body(_part()), "text/plain; boundary=x", 415, "multipart"),
        (_body(_part()), "", 415, "multipart"),
    ],
)  # fmt: skip
def test_a_malformed_upload_is_refused_in_words_and_leaves_no_file(
    account, folder, caplog, body, content_type, status, sentence
):
    guard = guarded()
    got, answer = _send(guard, body, content_type=content_type)
    assert got == status
    assert sentence in answer["error"]
    assert not folder.exists() or _files(folder) == []
    assert account.stored_bytes() == 0
    assert not guard.under_way
    assert not [record for record in caplog.records if record.name.startswith("ui")]


@pytest.mark.parametrize("charset", ["utf-8", "nonsense", "rot13", "idna", "undefined"])
def test_an_odd_charset_harms_nobody(account, folder, charset):
    content_type = f"multipart/form-data; boundary=x; charset={charset}"
    assert _send(guarded(), _body(_part()), content_type=content_type)[0] == 200


@pytest.mark.parametrize(
    ("chunks", "status", "sentence"),
    [
        ([(b"-", True)], 408, "too slowly"),
        ([(_part()[:60], True), None], 400, "cut short"),
        ([(_part(content=b"a" * 2_000_000)[:-1000], True), None], 400, "cut short"),
        ([(b"--x\r\n", True)] + [(b"A", True)] * 40, 408, "too slowly"),
        ([(_part() + _part()[:90], True)], 408, "too slowly"),
        ([(_part(content=bytes(upload_request.MAX_UPLOAD)), True)], 400, "At most 8 files"),
    ],
)
def test_an_upload_that_does_not_end_well_leaves_no_file(
    account, monkeypatch, folder, chunks, status, sentence
):
    monkeypatch.setattr(upload_request, "UPLOAD_SILENCE", 0.01)
    messages = [
        {"type": "http.request", "body": one[0], "more_body": one[1]} if one else {"type": "http.disconnect"}
        for one in chunks
    ]
    got, answer = _send(guarded(), b"", chunks=messages, length=1000)
    assert (got, sentence in answer["error"]) == (status, True)
    assert not folder.exists() or _files(folder) == []
    assert account.stored_bytes() == 0


def test_an_address_that_used_up_its_share_leaves_room_for_others(account, folder):
    account.most_bytes, account.address_bytes = 20 * LEAST_CHARGE, 5 * LEAST_CHARGE
    guard = guarded()
    answers = [_send(guard, _body(_part(content=b"%d" % i))) for i in range(6)]
    assert [status for status, _ in answers] == [200] * 5 + [429]
    assert "of yours" in answers[-1][1]["error"]
    assert _send(guard, _body(_part(content=b"another's")), client="8.8.4.4")[0] == 200
    with uploaded({"path": answers[0][1][0]}):
        pass
    assert _send(guard, _body(_part(content=b"again")))[0] == 200  # there is room once one was read


def test_uploads_are_refused_while_there_is_no_room_for_anybody(account, folder):
    account.most_bytes = LEAST_CHARGE
    guard = guarded()
    assert _send(guard, _body(_part()))[0] == 200
    status, answer = _send(guard, _body(_part()), client="8.8.4.4")
    assert (status, "no room" in answer["error"]) == (507, True)


def test_uploads_under_way_count_as_long_as_they_say_they_are(account, folder):
    account.enter("an upload", "8.8.8.8", 990)
    account.address_bytes = 1000
    assert _send(guarded(), _body(_part()))[0] == 429
    assert account.stored_bytes() == 990


def test_a_full_disk_is_said_to_be_full_and_nothing_is_left_on_it(account, monkeypatch, folder):
    monkeypatch.setattr(uploads, "disk_has_room", lambda size: False)
    assert _send(guarded(), _body(_part()))[0] == 507
    monkeypatch.setattr(uploads, "disk_has_room", lambda size: True)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(uploads, "store", full)
    assert _send(guarded(), _body(_part()))[0] == 507
    assert account.stored_bytes() == 0
    assert not folder.exists() or _files(folder) == []


def _blocks(known, queue):
    return SimpleNamespace(upload_file_set=known, temp_file_sets=[known], _queue=queue)


def test_what_was_left_behind_is_deleted_when_it_is_old(account, monkeypatch, folder):
    monkeypatch.setattr(uploads, "KEPT_SECONDS", -1.0)
    path = store(io.BytesIO(b"a"), "old.png", "8.8.8.8")
    (folder / "left").write_bytes(b"by somebody")
    queue = SimpleNamespace(
        pending_event_ids_session={"gone": {"a"}, "here": {"b"}},
        pending_messages_per_session={"here": None},
        event_ids_to_events={"a": 1, "b": 2},
    )
    known = {path}
    event_loop.call(uploads.clean_up, _blocks(known, queue))
    assert list(folder.iterdir()) == []
    assert known == set()
    assert account.stored_bytes() == 0
    assert queue.pending_event_ids_session == {"here": {"b"}}
    assert queue.event_ids_to_events == {"b": 2}


def test_what_is_young_stays(account, folder):
    path = store(io.BytesIO(b"a"), "new.png", "8.8.8.8")
    uploads._delete_old()
    assert [str(one) for one in _files(folder)] == [path]
    assert account.stored_bytes() == LEAST_CHARGE


def test_gradios_own_route_for_uploads_is_never_asked(account, folder):
    guard = guarded(Inside())
    assert _send(guard, _body(_part()))[0] == 200
    assert guard.app.bodies == []
