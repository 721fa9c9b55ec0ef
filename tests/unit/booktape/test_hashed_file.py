import hashlib
import io

from booktape.hashed_file import HashedFile


def test_what_is_written_is_counted_and_hashed() -> None:
    file = io.BytesIO()
    hashed = HashedFile(file)
    hashed.write(b"PAR1")
    hashed.write(b"rows")
    hashed.keeps_end = True
    end = b"metadata" + (8).to_bytes(4, "little") + b"PAR1"
    hashed.write(end[:5])
    hashed.write(end[5:])
    assert b"PAR1rows" + end == file.getvalue()
    assert (24, hashlib.sha256(file.getvalue()).hexdigest()) == (
        hashed.bytes,
        hashed.sha256.hexdigest(),
    )
    assert end == hashed.footer()
