"""The contract of tables on the real account."""

from tests.azure import test_tables_contract, test_tables_reading
from tests.verify.contract import cases_of

globals().update(cases_of(test_tables_contract, "tables", "table"))
globals().update(cases_of(test_tables_reading, "tables", "table"))
