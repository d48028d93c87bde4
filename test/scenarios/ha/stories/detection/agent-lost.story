The agent on a host dies, and the host runs on: nothing is restarted.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web x2 on h1

at 10s: fault agent-lost h1 for 3m
run until 300s
expect web untouched; nothing restarted
expect h1 suspect by 25s; h1 online; no alarm
