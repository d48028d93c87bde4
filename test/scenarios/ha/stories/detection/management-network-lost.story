A host loses its management network alone. Its storage heartbeat goes on, so it is not dead:
an alarm says so, nothing is restarted, and when the network is back it was a false alarm.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web x2 on h1

at 10s: fault management-partition h1 for 5m
at 100s: write web-1 block 1 "still here"
run until 400s
expect web untouched; nothing restarted; web-1 block 1 reads "still here"
expect h1 suspect by 25s; once alarm host-management-lost on h1
expect h1 online; no alarm; incident of h1 falseAlarm
