from coordinator.adapters.clock import SystemClock


def test_time_does_not_go_back_and_a_pause_takes_as_long_as_it_says() -> None:
    clock = SystemClock()
    before = clock.monotonic_s()
    clock.pause(0.01)
    assert clock.monotonic_s() - before >= 0.01


def test_a_negative_pause_is_none() -> None:
    SystemClock().pause(-1)


def test_every_nonce_is_new_and_has_sixteen_hex_characters() -> None:
    nonces = {SystemClock().nonce() for _ in range(100)}
    assert len(nonces) == 100
    assert all(len(nonce) == 16 and int(nonce, 16) >= 0 for nonce in nonces)


def test_a_timestamp_is_whole_unix_seconds() -> None:
    assert SystemClock().timestamp() > 1_700_000_000
