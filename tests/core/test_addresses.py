"""What an address is: the forms that hide a private one are all known."""

import pytest

from core.domain.addresses import Reach, is_metadata_name, is_odd_ipv4, reach_of, reach_of_all


@pytest.mark.parametrize(
    "text", ["93.184.216.34", "8.8.8.8", "2606:2800:220:1::1", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"]
)
def test_what_everybody_can_reach_is_public(text):
    assert reach_of(text) is Reach.PUBLIC


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.1.1", "100.64.0.1",
        "224.0.0.1", "239.255.255.250", "255.255.255.255", "240.0.0.1", "198.18.0.1", "192.0.2.1",
        "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "fec0::1", "ff02::1", "ff0e::1", "2001:db8::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "2002:7f00:1::1",
        "2001::1", "100::1",
    ],
)  # fmt: skip
def test_loopback_private_link_local_multicast_and_reserved_are_private_in_every_form(text):
    assert reach_of(text) is Reach.PRIVATE


@pytest.mark.parametrize(
    "text",
    ["169.254.169.254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "fd00:ec2::254", "100.100.100.200",
     "168.63.129.16", "169.254.170.2"],
)  # fmt: skip
def test_the_metadata_of_clouds_is_known_in_every_form(text):
    assert reach_of(text) is Reach.METADATA


def test_a_name_is_as_bad_as_the_worst_of_its_addresses():
    assert reach_of_all(["8.8.8.8", "10.0.0.1"]) is Reach.PRIVATE
    assert reach_of_all(["10.0.0.1", "169.254.169.254", "8.8.8.8"]) is Reach.METADATA
    assert reach_of_all(["8.8.8.8"]) is Reach.PUBLIC
    assert reach_of_all([]) is Reach.UNKNOWN and reach_of("no address") is Reach.UNKNOWN


@pytest.mark.parametrize(
    "host",
    ["2130706433", "0x7f000001", "017700000001", "127.1", "0177.0.0.1", "0x7f.0.0.1", "127.0.0.01", "127.0.0.1."],
)
def test_an_ipv4_address_that_hides_is_found(host):
    assert is_odd_ipv4(host)


@pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.7", "api.example.org", "1.example", "::1", "a" * 300, ""])
def test_plain_addresses_and_names_are_not_odd(host):
    assert not is_odd_ipv4(host)


def test_metadata_is_known_by_name_too():
    assert is_metadata_name("Metadata.Google.Internal.") and not is_metadata_name("metadata.example.org")
