import inspect

import booktape.errors
from booktape.errors import AlreadyStored, BooktapeError, StoreError


def test_all_of_them_can_be_caught_as_ours() -> None:
    classes = [kind for _, kind in inspect.getmembers(booktape.errors, inspect.isclass)]
    assert [] == [kind for kind in classes if not issubclass(kind, BooktapeError)]


def test_a_store_error_names_action_place_and_remedy() -> None:
    error = StoreError("put", where="s3://tape", reason="AccessDenied", remedy="grant s3:PutObject")
    assert "cannot put s3://tape: AccessDenied; grant s3:PutObject" == str(error)


def test_already_stored_names_the_key() -> None:
    assert "tape/x.parquet is already stored" == str(AlreadyStored("tape/x.parquet"))
