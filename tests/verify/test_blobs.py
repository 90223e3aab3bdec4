"""The contract of blobs on the real account, in a container of its own."""

from tests.azure import test_blobs_contract
from tests.verify.contract import cases_of

globals().update(cases_of(test_blobs_contract, "blobs", "name"))
