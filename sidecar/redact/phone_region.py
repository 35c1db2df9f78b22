"""The numbers of a region, by libphonenumber's data: which there are, and how people write them."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final, NamedTuple

from sidecar.modules import modules_only

with modules_only("phonenumbers"):  # its data: the rest would take as much again, and some time
    from phonenumbers.data import _COUNTRY_CODE_TO_REGION_CODE
    from phonenumbers.phonemetadata import PhoneMetadata

REGIONS_BY_CODE: Mapping[int, Sequence[str]] = _COUNTRY_CODE_TO_REGION_CODE

_THOUSANDS: Final = re.compile(rb"[1-9][0-9]{0,2}(?:[ .][0-9]{3}){2,4}$")

# How people group a number that they write without its trunk prefix.
_BARE_SHAPES: dict[str, set[tuple[int, ...]]] = {
    "US": {(10,), (3, 3, 4), (6, 4), (3, 7), (3, 4, 3)},
    "GB": {(4, 3, 3)},
    "TR": {(10,), (3, 3, 2, 2), (3, 3, 4), (3, 7), (3, 1, 3), (3, 2, 2), (3, 4), (7,)},
    "ES": {(9,), (3, 3, 3), (3, 2, 2, 2), (2, 3, 2, 2), (2, 7), (3, 6)},
}
# The first groups of bare numbers where the rest is grouped as no one would expect.
_ODD_STARTS: Final = {"US": (3, 3), "TR": (3, 3), "ES": (3, 3)}
# Regions where ten digits behind a zero are mostly no number; in others they mostly are.
_SPARSE: Final = {"TR", "GB"}
# Numbers that no one has: what people write where they want none to be called.
_FICTIONAL: Final = {"GB": "7700900[0-9]{3}|1632960[0-9]{3}"}
_NORTH_AMERICAN: Final = re.compile("(?:[2-9][0-9]{2}){2}")
_KINDS: Final = (
    "fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost", "personal_number", "voip",
    "pager", "uan", "voicemail",
)  # fmt: skip


class Number(NamedTuple):
    """A run of digit groups that might be a national number."""

    digits: str
    shape: tuple[int, ...]
    text: bytes


class Region(NamedTuple):
    """What the rule needs of libphonenumber's data about a region."""

    name: str
    code: int
    trunk: str
    lengths: frozenset[int]
    pattern: re.Pattern[str]
    mobile: re.Pattern[str]

    @classmethod
    def of(cls, name: str) -> "Region":
        """Return what is known of a region; raises ValueError for one that nobody knows."""
        meta = PhoneMetadata.metadata_for_region(name, None)
        if meta is None or meta.general_desc is None or meta.country_code is None:
            raise ValueError(f"unknown region {name!r}")
        # The test of is_valid_number() in one match instead of twenty calls; the regions that
        # share a calling code (US and CA, GB and JE) are one.
        code = meta.country_code
        patterns = [*_national_numbers(code), _FICTIONAL.get(name)]
        mobile = "(?!)" if meta.mobile is None else meta.mobile.national_number_pattern or "(?!)"
        return cls(
            name,
            code,
            meta.national_prefix or "",
            frozenset(meta.general_desc.possible_length),
            re.compile("|".join(f"(?:{pattern})" for pattern in patterns if pattern)),
            re.compile(rf"(?:{mobile})|(?:{_FICTIONAL.get(name, '(?!)')})"),
        )

    def sizes(self) -> set[int]:
        """Return how many digits a number may have: bare, behind a trunk prefix or the code."""
        before = (0, len(self.trunk), len(str(self.code)))
        return {size + more for size in self.lengths for more in before}

    def accepts(self, number: Number, context: bool) -> bool:
        """Decide about a number in groups; `context`: the words beside it call it one."""
        digits, shape = number.digits, number.shape
        if self.trunk and digits.startswith(self.trunk):
            rest = digits[len(self.trunk) :]
            if shape[0] == len(self.trunk):
                shape = shape[1:]
            if self.trunk == "0" or self._usual(shape) or len(shape) == 1:
                return self._valid(rest)
            return False
        if self._behind_code(digits, shape, context):
            return True
        if shape == (3, 3, 4) and self.code == 1 and _NORTH_AMERICAN.match(digits):
            return True  # people invent them, and Mexico and Colombia write theirs alike
        spanish = context and self.name == "ES" and len(shape) > 1
        if not (spanish or self._usual(shape)) or not self._valid(digits):
            return False
        if len(digits) == 7:  # Turkish 444 numbers; other seven digits are anything
            return context or len(shape) > 1
        if self.name == "TR" and shape == (10,) and digits[0] != "5":
            return context
        if _THOUSANDS.match(number.text) and digits[0] not in "689":
            return context
        return True

    def _behind_code(self, digits: str, shape: tuple[int, ...], context: bool) -> bool:
        """Tell whether digits are a number behind its calling code without a plus sign."""
        code = str(self.code)
        by_itself = context or len(shape) == 1 or shape[0] == len(code)
        whole = len(digits) > 10 and by_itself and digits.startswith(code)
        return whole and self._valid(digits[len(code) :])

    def is_sure(self, digits: str, named: bool) -> bool:
        """Tell whether digits are a whole number behind its zero: a mobile one, or named so."""
        national = digits[1:]
        if self.trunk != "0" or digits[0] != "0" or not self._valid(national):
            return False
        return named or (len(digits) > 9 and self.mobile.fullmatch(national) is not None)

    def accepts_odd(self, number: Number, named: bool) -> bool:
        """Decide about a whole number in groups as no one would expect."""
        digits, shape = number.digits, number.shape
        if self.is_sure(digits, named):
            return True
        if self.trunk == "0" and digits[0] == "0":
            sparse = self.name in _SPARSE and len(digits) == 11
            usual = shape[0] > 2 or (shape[0] == 1 and 1 not in shape[1:-1])
            long = len(digits) > 9 or shape == (4, 1, 4)
            return long and (sparse or usual) and self._valid(digits[1:])
        if named:
            prefixes = ("", self.trunk, str(self.code))
            return len(digits) > 8 and any(
                digits.startswith(p) and self._valid(digits[len(p) :]) for p in prefixes
            )
        odd = shape[:2] == _ODD_STARTS.get(self.name) or shape == (3, 1, 2, 2, 2)
        if self.name == "ES" and shape == (2, 2, 2, 3):
            return self.mobile.fullmatch(digits) is not None
        if self.name == "TR":
            return odd and self.mobile.fullmatch(digits) is not None
        return odd and self._valid(digits)

    def _usual(self, shape: tuple[int, ...]) -> bool:
        return shape in _BARE_SHAPES.get(self.name, ())

    def _valid(self, national: str) -> bool:
        return len(national) in self.lengths and self.pattern.fullmatch(national) is not None


def _national_numbers(code: int) -> list[str]:
    """Return the patterns of all numbers behind a calling code."""
    sharing = [
        PhoneMetadata.metadata_for_nongeo_region(code)
        if name == "001"
        else PhoneMetadata.metadata_for_region(name, None)
        for name in REGIONS_BY_CODE[code]
    ]
    kinds = [getattr(region, kind) for region in sharing for kind in _KINDS]
    return list(dict.fromkeys(kind.national_number_pattern for kind in kinds if kind is not None))


def is_valid_abroad(code: int, national: str) -> bool:
    """Tell whether a calling code has such a number."""
    return _abroad(code).fullmatch(national) is not None


@cache
def _abroad(code: int) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in _national_numbers(code) if pattern))
