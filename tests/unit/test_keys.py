from coordinator.adapters.keys import Keys


def test_what_an_endpoint_names_is_taken_out_of_the_environment() -> None:
    environment = {"HERE_KEY": "secret-1", "PATH": "/bin", "": "odd"}
    keys = Keys(environment)
    keys.take(["ANTHROPIC_API_KEY", "HERE_KEY", ""])
    assert environment == {"PATH": "/bin", "": "odd"}
    assert (dict(keys), len(keys)) == ({"HERE_KEY": "secret-1"}, 1)
    assert keys.get("ANTHROPIC_API_KEY", "") == ""


def test_a_key_stays_known_when_its_endpoint_is_named_again() -> None:
    environment = {"HERE_KEY": "secret-1"}
    keys = Keys(environment)
    keys.take(["HERE_KEY"])
    keys.take(["HERE_KEY"])
    assert keys["HERE_KEY"] == "secret-1"


def test_no_key_is_shown() -> None:
    keys = Keys({"HERE_KEY": "secret-1"})
    keys.take(["HERE_KEY"])
    assert "secret-1" not in f"{keys} {keys!r}"
