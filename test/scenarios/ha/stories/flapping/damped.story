A host comes and goes three times in a few minutes. It is not taken at its word any more: it stays suspect and takes no
newcomer until it was well for five minutes. What runs on it runs on.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web on h1
vm other x2 on h2, h3: 4 GiB

at 10s: fault agent-lost h1 for 20s
at 70s: fault agent-lost h1 for 20s
at 130s: fault agent-lost h1 for 20s
at 200s: create one; create two; create three; create four
run until 600s
expect web untouched; one, two, three, four run; one, two, three, four never on h1
expect once alarm host-flapping on h1; h1 online; no alarm
