A live migration is cancelled in the middle of its copy. The VM stays where it is, and when its host dies then it is
recovered like any other.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web on h1: 2 GiB, writes 64 MiB/s

at 10s: tenant migrates web
at 16s: cancel the migration of web
at 120s: fault host-power-loss h1
run until quiet
expect web runs elsewhere with a newer epoch; alarm host-dead on h1; no other alarm
