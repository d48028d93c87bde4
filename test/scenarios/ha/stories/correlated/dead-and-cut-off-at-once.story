Two hosts fall silent together. One is dead and confirms it, the other can only be waited for: the first does not wait.

cluster c1: 4 hosts of 16 cores and 64 GiB
vm web x2 on h1
vm shop x2 on h2

at 10s: fault host-power-loss h1; fault bmc-unreachable h2; fault management-partition h2; fault storage-partition h2
run until quiet
expect web start elsewhere before 30s; shop start elsewhere after 129s
expect web run elsewhere with a newer epoch; shop run elsewhere with a newer epoch
expect alarm host-dead on h1; alarm host-lost on h2; no other alarm
