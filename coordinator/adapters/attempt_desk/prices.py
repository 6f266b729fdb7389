"""What tokens cost: by the profile's own price, else by a kept table; an unknown price is None, never zero."""

from coordinator.domain.policy import Endpoint, Profile

from .tokens import Tokens

_MAKER = {"anthropic": "anthropic", "openai": "openai"}


class Prices:
    """The price of one model. The table is asked on the first use, because loading it takes a while."""

    def __init__(self, profile: Profile, endpoint: Endpoint | None) -> None:
        self._profile = profile
        self._endpoint = endpoint

    def usd(self, tokens: Tokens) -> float | None:
        """Returns what one call with these tokens costs; None where nobody knows."""
        price = self._profile.price
        if price is not None:
            spent = tokens.input * price.input_usd + tokens.output * price.output_usd
            return spent / 1_000_000
        if self._endpoint is None:
            return None
        # The server may be known by its address; one that is not is taken for a way to the model's maker.
        by_address = _table(tokens, self._profile.model, address=self._endpoint.base_url)
        if by_address is not None:
            return by_address
        return _table(tokens, self._profile.model, maker=_MAKER[self._endpoint.api])


def _table(
    tokens: Tokens, model: str, *, address: str | None = None, maker: str | None = None
) -> float | None:
    from genai_prices import Usage, calc_price  # noqa: PLC0415  only paid workers need the table

    usage = Usage(
        input_tokens=tokens.input,
        output_tokens=tokens.output,
        cache_read_tokens=tokens.cache_read,
        cache_write_tokens=tokens.cache_write,
        cache_write_1h_tokens=tokens.cache_write_1h,
        cache_write_5m_tokens=tokens.cache_write - tokens.cache_write_1h,
    )
    plain = Usage(input_tokens=tokens.input, output_tokens=tokens.output)
    for said in (usage, plain):
        try:
            if address is not None:
                found = calc_price(said, model, provider_api_url=address)
            else:
                found = calc_price(said, model, provider_id=maker)
        except LookupError:
            return None
        except ValueError:
            continue  # the parts of a report do not fit its sum: all of it counts as read anew
        return float(found.total_price)
    return None
