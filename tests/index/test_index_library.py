"""Which matrix kernels FAISS is loaded with, and the check of what they multiply."""

import os
import subprocess
import sys

import numpy as np
import pytest

from cim.errors import CimError
from cim.index import library
from cim.index.library import VARIABLE, check_products, kernel_for, named_kernel


@pytest.mark.parametrize(
    ("architectures", "expected"),
    [
        ([("openblas", "SapphireRapids")], "SkylakeX"),  # FAISS's OpenBLAS knows no such name
        ([("mkl", None), ("openblas", "Zen")], "Zen"),
        ([("openblas", "neoversen1")], None),
        ([("openblas", "Prescott")], None),  # NumPy knows no better either
        ([("openmp", None)], None),
    ],
)
def test_faiss_takes_the_kernels_that_numpy_chose(architectures, expected):
    assert kernel_for([{"internal_api": api, "architecture": name} for api, name in architectures]) == expected


def test_the_variable_is_set_only_meanwhile_and_a_users_choice_stays(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(ZeroDivisionError), named_kernel("Zen"):
        _ = 1 / (os.environ[VARIABLE] != "Zen")
    assert VARIABLE not in os.environ
    with named_kernel(None):
        assert VARIABLE not in os.environ
    monkeypatch.setenv(VARIABLE, "Haswell")
    with named_kernel("Zen"):
        assert os.environ[VARIABLE] == "Haswell"
    assert os.environ[VARIABLE] == "Haswell"


def test_loaded_alone_faiss_has_kernels_of_numpys_age():
    code = (
        "import os; from cim.index.library import VARIABLE, kernel_for; from threadpoolctl import threadpool_info\n"
        "found = [one for one in threadpool_info() if one['internal_api'] == 'openblas']\n"
        "of_faiss = [one['architecture'] for one in found if 'faiss' in one['filepath']]\n"
        "of_numpy = kernel_for([one for one in found if 'numpy' in one['filepath']])\n"
        "assert of_numpy is None or of_faiss in ([], [of_numpy]), found\n"
        "assert VARIABLE not in os.environ"
    )
    plain = {name: value for name, value in os.environ.items() if name != VARIABLE}
    subprocess.run([sys.executable, "-c", code], check=True, env=plain)


def test_wrong_products_are_refused(monkeypatch):
    check_products()
    right = library.faiss.knn

    def wrong(*args, **kwargs):
        near, rows = right(*args, **kwargs)
        return near + np.float32(0.01), rows

    monkeypatch.setattr(library.faiss, "knn", wrong)
    with pytest.raises(CimError, match=r"wrong matrix products by faiss .*set OPENBLAS_CORETYPE"):
        check_products()
