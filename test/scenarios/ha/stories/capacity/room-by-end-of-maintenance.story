A third host is in maintenance when another one dies. It is not used; as soon as it serves again the VMs that wait run there.

cluster c1: 3 hosts of 16 cores and 14 GiB
vm web x3 on h1: 4 GiB
vm other x3 on h2: 4 GiB

at 5s: maintenance h3
at 30s: fault host-power-loss h1
at 150s: end-maintenance h3
run until 400s
expect web run on h3 with a newer epoch; other untouched; alarm host-dead on h1; no other alarm
