from ipaddress import ip_address

import pytest

from workers_app.executors.http.addresses import is_public

PUBLIC = [
    *("1.1.1.1", "8.8.8.8", "93.184.216.34", "172.15.255.255", "172.32.0.1", "100.63.255.255", "100.128.0.1"),
    *("198.17.255.255", "198.20.0.1", "223.255.255.255", "192.0.1.1", "192.167.0.1"),
    *("2606:4700:4700::1111", "2a00:1450:4001:81b::200e", "2001:4860:4860::8888", "2600::"),
]
NOT_PUBLIC = [
    # this host, loopback
    *("0.0.0.0", "0.1.2.3", "127.0.0.1", "127.255.255.254", "::", "::1"),
    # private, link-local, unique local, site local, carrier-grade NAT
    *("10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254"),
    *("fe80::1", "fe80::1%eth0", "febf::1", "fc00::1", "fd00:ec2::254", "fec0::1", "100.64.0.1"),
    *("100.100.100.200", "100.127.255.255"),
    # protocol assignments, benchmarks, documentation, 6to4 relays, reserved, broadcast, multicast
    *("192.0.0.1", "192.0.0.192", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.19.255.255", "198.51.100.1"),
    *("203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "168.63.129.16"),
    *(
        "ff02::1",
        "ff0e::1",
        "2001:db8::1",
        "3fff::1",
        "100::1",
        "5f00::1",
        "4000::1",
        "2001:2::1",
        "2001:20::1",
    ),
    # an IPv4 address inside: mapped, compatible, translated, NAT64, 6to4, Teredo, ISATAP
    *("::ffff:127.0.0.1", "::ffff:100.64.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "::ffff:0:127.0.0.1"),
    *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a00:1", "2002:7f00:1::", "2002:a9fe:a9fe::"),
    *("2001:0:53aa:64c:0:7fff:f5ff:fffe", "2a00:1450::5efe:10.0.0.1", "2a00:1450::200:5efe:10.0.0.1"),
]


@pytest.mark.parametrize("ip", PUBLIC)
def test_ordinary_hosts_of_the_internet_are_public(ip):
    assert is_public(ip)
    assert is_public(ip_address(ip))


@pytest.mark.parametrize("ip", NOT_PUBLIC)
def test_everything_else_is_not(ip):
    assert not is_public(ip)


@pytest.mark.parametrize(
    "text", ["", "localhost", "127.1", "2130706433", "0x7f000001", "1.1.1.1:80", "[::1]"]
)
def test_what_is_no_address_is_not_public(text):
    assert not is_public(text)
