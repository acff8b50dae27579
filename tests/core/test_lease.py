from core.jobs.lease import Lease, is_gone, own_lease


def test_a_running_process_is_not_gone():
    assert not is_gone(own_lease())


def test_a_reused_pid_is_not_mistaken_for_the_process_that_had_it():
    own = own_lease()
    assert is_gone(Lease(own.host, own.boot, own.pid, own.started - 100))


def test_a_process_of_an_earlier_boot_is_gone():
    own = own_lease()
    assert is_gone(Lease(own.host, "another boot", own.pid, own.started))


def test_only_its_own_host_can_say_that_a_process_is_gone():
    own = own_lease()
    assert not is_gone(Lease("another host", own.boot, 2**22 + 1, 0.0))
