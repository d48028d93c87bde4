What was given up stays so: nobody tries it again behind its owner's back, however long it takes.

cluster c1: 4 hosts of 16 cores and 64 GiB
set c1: localRestarts 0, relocations 0
vm web on h1
vm calm on h1

at 10s: fault host-power-loss h1
5s after web has started once: fault guest-crash web
run until 600s
expect web in error because "its start failed on 1 hosts"; alarm vm-recovery-failed on web
expect calm runs elsewhere with a newer epoch; incident of h1 closed; alarm host-dead on h1; no other alarm
