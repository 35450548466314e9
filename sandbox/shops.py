"""The invented shops of the sandbox."""

from dataclasses import dataclass

from .models import NOWHERE, Address


@dataclass(frozen=True)
class Shop:
    """A merchant to which the bank has not given ids yet."""

    name: str
    category: str
    emoji: str = ""
    online: bool = False
    atm: bool = False
    address: Address = NOWHERE


def _in_town(street: str, postcode: str, latitude: float, longitude: float) -> Address:
    return Address(
        street=street,
        city="Sheffield",
        postcode=postcode,
        country="GBR",
        country_name="United Kingdom",
        latitude=latitude,
        longitude=longitude,
    )


SHOPS = (
    Shop(
        "Deli", "eating_out", "🥪", address=_in_town("95-101 Mill Street", "S1 4GE", 53.379, -1.476)
    ),
    Shop(
        "Copper Kettle",
        "eating_out",
        "☕️",
        address=_in_town("3 Market Place", "S1 2GH", 53.382, -1.468),
    ),
    Shop(
        "Noodle Corner",
        "eating_out",
        "🍜",
        address=_in_town("18 Station Road", "S1 2BP", 53.378, -1.463),
    ),
    Shop(
        "Greens Market",
        "groceries",
        "🛒",
        address=_in_town("40 Mill Street", "S1 4GF", 53.379, -1.474),
    ),
    Shop(
        "Corner Shop", "groceries", "🥛", address=_in_town("7 Garden Row", "S3 7LG", 53.386, -1.472)
    ),
    Shop("City Trams", "transport", "🚋", address=_in_town("Depot Lane", "S9 1DP", 53.391, -1.421)),
    Shop(
        "Pump & Go", "transport", "⛽️", address=_in_town("200 Ring Road", "S2 5AA", 53.371, -1.451)
    ),
    Shop(
        "Bookworm", "shopping", "📚", address=_in_town("12 Chapel Walk", "S1 2PD", 53.381, -1.469)
    ),
    Shop("Gadget Shed", "shopping", "🔌", online=True),
    Shop("Streamly", "entertainment", "🎬", online=True),
    Shop(
        "Picture House",
        "entertainment",
        "🍿",
        address=_in_town("1 Film Street", "S1 2EH", 53.380, -1.464),
    ),
    Shop("Lingua", "general", "🗣️", online=True),
    Shop("Allotment Box", "groceries", "🥕", online=True),
    Shop("Skyvault", "bills", "☁️", online=True),
    Shop("Gull Ferries", "holidays", "⛴️", online=True),
    Shop("Brightside Energy", "bills", "💡", online=True),
    Shop(
        "Cash machine",
        "cash",
        "🏧",
        atm=True,
        address=_in_town("1 High Street", "S1 1QF", 53.382, -1.466),
    ),
)


def shop(name: str) -> Shop:
    """Return a shop by its name; an unknown name gives a shop without emoji."""
    return next((known for known in SHOPS if known.name == name), Shop(name, "general"))
