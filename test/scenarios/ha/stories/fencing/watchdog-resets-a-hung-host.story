A host hangs and its power controller is out of reach. Its own watchdog resets it after 60 s; it is back two minutes after
the hang began, without the VMs that it had.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web on h1

at 10s: fault bmc-unreachable h1; fault host-hang h1
run until quiet
expect web runs with a newer epoch; web starts elsewhere after 70s
