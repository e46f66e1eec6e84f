"""What the model is told, what it may call, and what its reply must look like."""

from lllm import ParseError, Prompt
from lllm.parsing import TagParser

find_tags = TagParser(required_xml_tags=("cost",))


def fuel_cost(distance_km: float, litres_per_100_km: float = 6.5, euros_per_litre: float = 1.8) -> str:
    """Compute what the fuel for a trip costs, in euros.

    Args:
        distance_km: length of the trip.
        litres_per_100_km: how thirsty the car is.
        euros_per_litre: price of the fuel.
    """
    return f"{distance_km * litres_per_100_km / 100 * euros_per_litre:.2f}"


def parse_cost(text: str) -> float:
    """Read the cost from a reply; a ParseError is answered to the model, which tries again."""
    try:
        return float(find_tags(text)["xml_tags"]["cost"][0])
    except ParseError as error:
        raise ParseError(f"{error}\nyou wrote: {text[:200]}") from error
    except ValueError as error:
        raise ParseError(f"<cost> must hold a number and nothing else; you wrote: {text[:200]}") from error


planner = Prompt(
    path="planner",  # its key is trip/planner: the file's name stands before it
    prompt=(
        "You compute what trips cost. Call fuel_cost for the amount; never guess it.\n"
        "End with the amount in euros as a plain number in tags, such as <cost>12.30</cost>."
    ),
    functions_list=[fuel_cost],
    parser=parse_cost,
)
