"""Where a message would go is known of each kind of destination, without one being sent."""

from urllib.parse import urlsplit

import pytest

from bridge.delivery.reach import first_url
from bridge.doctor.receivers import SAMPLE
from tests.receivers.test_contract import MADE


@pytest.mark.parametrize("name", MADE)
def test_each_kind_of_destination_says_where_it_would_go(name: str) -> None:
    assert urlsplit(first_url(MADE[name], SAMPLE).reveal()).hostname
