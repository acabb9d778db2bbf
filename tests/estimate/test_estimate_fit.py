"""Whether a device holds the sum, and sizes as people write them."""

import pytest

from cim.errors import CimError
from cim.estimate.fit import gib, peak, size_of, too_large
from cim.estimate.terms import Term, always


class TestFit:
    TERMS = (
        always("weights", 600, ""),
        Term("keys and values", "", rollout=320, validation=100),
        Term("activations", "", scores=50, update=200),
    )

    def test_peak_is_of_each_phase(self) -> None:
        assert peak(self.TERMS) == {"rollout": 920, "scores": 650, "update": 800, "validation": 700}

    def test_what_fits_is_not_refused(self) -> None:
        """A tenth is left: 920 of 1023 x 0.9 = 920.7."""
        assert too_large(self.TERMS, 1023) is None

    def test_what_does_not_fit_is_refused_with_its_largest_terms(self) -> None:
        error = too_large(self.TERMS, 1022)
        assert isinstance(error, CimError)
        assert "in the rollout" in error.found
        assert "weights 0.6 KiB, keys and values 0.3 KiB" in error.found
        assert "generate fewer captions together" in error.remedy

    def test_a_validation_has_a_remedy_of_its_own(self) -> None:
        error = too_large([*self.TERMS, Term("pixels of a validation", "", validation=900)], 1022)
        assert isinstance(error, CimError)
        assert "in a validation" in error.found
        assert "tune.validation_images" in error.remedy

    @pytest.mark.parametrize(
        ("text", "size"), [("24GiB", 24 * 2**30), ("80 GB", 80 * 10**9), ("1.5MiB", 3 * 2**19), ("100", 100)]
    )
    def test_sizes_are_read(self, text: str, size: int) -> None:
        assert size_of(text) == size

    @pytest.mark.parametrize("text", ["", "GiB", "24 cards", "-1GB", "1IB", "0", "0GiB", "1e400GB", "NaN"])
    def test_no_sizes_are_refused(self, text: str) -> None:
        with pytest.raises(CimError, match="24GiB"):
            size_of(text)

    def test_sizes_are_shown(self) -> None:
        assert [gib(512), gib(3 * 2**19), gib(2**41)] == ["0.5 KiB", "1.5 MiB", "2.0 TiB"]
