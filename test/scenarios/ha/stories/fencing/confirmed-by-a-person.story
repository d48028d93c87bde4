A host and its power controller are out of reach. A person goes there, pulls its cables and says so: its VMs start
elsewhere long before its lease is over.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web x2 on h1

at 10s: fault bmc-unreachable h1; fault management-partition h1; fault storage-partition h1
at 30s: fault host-power-loss h1
at 35s: confirm-fenced h1 "both power cables are out"
run until quiet
expect h1 fenced; web run elsewhere with a newer epoch; web start elsewhere after 35s; web start elsewhere before 75s
