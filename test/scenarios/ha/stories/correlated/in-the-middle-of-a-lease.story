While the lease of one host runs out, the only host with room for its VMs dies as well: they wait for the third.

cluster c1: 3 hosts of 16 cores and 14 GiB
vm web x2 on h1: 4 GiB
vm other x3 on h2: 4 GiB
vm idle on h3: 1 GiB

at 10s: fault bmc-unreachable h1; fault management-partition h1; fault storage-partition h1
at 100s: fault host-power-loss h3
at 300s: heal host-power-loss h3; power-on h3
run until 600s
expect web run on h3 with a newer epoch; idle runs on h3 with a newer epoch; other untouched
expect alarm host-lost on h1; no other alarm
