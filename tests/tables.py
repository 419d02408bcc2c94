"""placeholder"""
from contextlib import contextmanager
class Cloud: ...
@contextmanager
def cloud():
    yield Cloud()
