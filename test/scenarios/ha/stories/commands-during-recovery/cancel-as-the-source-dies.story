The source of a live migration dies, and before anybody knows the migration is cancelled: the VM is recovered, once.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web on h1: 2 GiB, writes 64 MiB/s

at 10s: tenant migrates web
at 16s: fault host-power-loss h1
at 17s: cancel the migration of web
run until quiet
expect web runs elsewhere with a newer epoch; alarm host-dead on h1; no other alarm
