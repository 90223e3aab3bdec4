"""Which URLs and addresses are refused: every special network, every odd way to write one."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from shared.azure.guard import Guard, is_global, parse

OUTSIDE, LOCAL = Guard(), Guard(allow_loopback=True)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",  # noqa: S104
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "100.127.255.254",
        "127.0.0.1",
        "127.255.255.254",
        "168.63.129.16",
        "169.254.169.254",
        "169.254.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.0.9",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:168.63.129.16",
        "::ffff:0:127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::10.0.0.1",
        "64:ff9b::169.254.169.254",
        "64:ff9b:1::808:808",
        "100::1",
        "2001::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "2001:2::1",
        "2001:10::1",
        "2001:20::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:a00:1::1",
        "2002:a9fe:a9fe::",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fec0::1",
        "ff02::1",
    ],
)
def test_an_address_that_is_not_public_is_refused(address):
    written = f"[{address}]" if ":" in address else address
    parsed = parse(address)

    assert parsed is not None
    assert not is_global(parsed)
    assert OUTSIDE.url(f"https://{written}/hook") == "refused_address"


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1",
        "8.8.8.8",
        "100.63.255.255",
        "100.128.0.1",
        "168.63.129.15",
        "172.32.0.1",
        "223.255.255.255",
        "2606:4700::1111",
        "2001:4860:4860::8888",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
    ],
)
def test_a_public_address_is_reached(address):
    written = f"[{address}]" if ":" in address else address

    assert isinstance(OUTSIDE.url(f"https://{written}:8443/hook"), URL)


@pytest.mark.parametrize(
    "host",
    [
        "2130706433",
        "017700000001",
        "0x7f000001",
        "0x7f.0x0.0x0.0x1",
        "0x7F.1",
        "0177.0.0.1",
        "127.1",
        "127.0.1",
        "127.0.0.1.",
        "127.0.0.1..",
        "1.2.3.4.5",
        "example.1",
        "example.0x1",
        "127%2e0%2e0%2e1",
        "[fe80::1%25eth0]",
        "[fe80::1%eth0]",
        "[2606:4700::1111%25eth0]",
        "[::1",
        "",
        ".",
        "example..com",
        "example.com..",
        ".example.com",
        "-example.com",
        "example-.com",
        "exa mple.com",
        "example.com%00",
        "exam%ple.com",
        "a" * 64 + ".com",
        ".".join(["a" * 60] * 5),
    ],
)
def test_a_host_that_is_neither_name_nor_plain_address_is_refused(host):
    assert OUTSIDE.url(f"https://{host}/") == "bad_url"
    assert LOCAL.url(f"https://{host}/") == "bad_url"


@pytest.mark.parametrize("host", ["①②⑦.⓪.⓪.①", "127。0。0。1", "１２７.0.0.1"])  # noqa: RUF001
def test_other_scripts_digits_are_read_before_they_are_checked(host):
    assert OUTSIDE.url(f"https://{host}/") == "refused_address"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.example.com",
        "//hooks.example.com/",
        "ftp://hooks.example.com/",
        "file:///etc/passwd",
        "gopher://hooks.example.com/",
        "unix:///run/docker.sock",
        "https://hooks.example.com:0/",
        "https://hooks.example.com:65536/",
        "https://user@hooks.example.com/",
        "https://user:secret@hooks.example.com/",
        "https://hooks.example.com\\@127.0.0.1/",
        "https://hooks.example.com/a b",
        "https://hooks.example.com/ HTTP/1.1\r\nx: y",
        "https://hooks\t.example.com/",
        "HTTPS://:443/",
    ],
)
def test_a_url_that_is_not_plain_https_is_refused(url):
    assert OUTSIDE.url(url) == "bad_url"


@pytest.mark.parametrize(
    "host", ["hooks.example.com", "hooks.example.com.", "xn--mnchen-3ya.de", "a_b.de", "x"]
)
def test_a_name_is_left_to_its_addresses(host):
    assert isinstance(OUTSIDE.url(f"https://{host}:65535/"), URL)


@pytest.mark.parametrize(
    "host", ["hooks.example.com", "8.8.8.8", "[2606:4700::1111]", "localhost.example.com"]
)
def test_http_is_refused_outside_this_machine(host):
    assert OUTSIDE.url(f"http://{host}/") == "refused_address"
    assert LOCAL.url(f"http://{host}/") == "refused_address"


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.8.9.10", "[::1]", "[::ffff:127.0.0.1]", "localhost", "LOCALHOST."]
)
def test_this_machine_is_reached_only_where_that_is_allowed(scheme, host):
    assert isinstance(LOCAL.url(f"{scheme}://{host}:9000/"), URL)
    assert LOCAL.url(f"{scheme}://{host}:0/") == "bad_url"


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/", "http://[::1]/", "https://LocalHost./", "https://a.localhost/"]
)
def test_this_machine_is_refused_otherwise(url):
    assert OUTSIDE.url(url) == "refused_address"


@pytest.mark.parametrize("host", ["10.0.0.1", "[fe80::1]", "169.254.169.254", "0.0.0.0", "[::]"])  # noqa: S104
def test_loopback_allows_no_other_special_address(host):
    assert LOCAL.url(f"https://{host}/") == "refused_address"


def test_a_name_permits_addresses_as_its_guard_says():
    loopback, public = ip_address("127.0.0.1"), ip_address("8.8.8.8")

    assert OUTSIDE.permits("hooks.example.com", public)
    assert not OUTSIDE.permits("hooks.example.com", loopback)
    assert LOCAL.permits("hooks.example.com", loopback)
    assert not OUTSIDE.permits("localhost", loopback)
    assert not LOCAL.permits("localhost", public)


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_means_the_same_inside_ipv6(address):
    for wrapped in (f"::ffff:{address}", f"64:ff9b::{address}"):
        assert parse(wrapped) == address


@given(st.text(max_size=60))
def test_no_text_breaks_the_guard(text):
    for url in (text, f"https://{text}", f"https://[{text}]:{text}/"):
        assert isinstance(OUTSIDE.url(url), URL | str)
