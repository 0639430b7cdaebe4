from tests.stack.stack import Stack


def test_it_starts(stack: Stack) -> None:
    import httpx
    print(httpx.get(stack.url + "/readyz").json())
    print(httpx.get(stack.url + "/").headers)
