"""What nano is asked that lies outside of its skill; the patterns of ``wording``.

``NOUNS`` go into a frame such as "What is ...?", ``ORDERS`` into one such as "Could you ...?"; ``ASKED`` stand alone.
"""

from __future__ import annotations

# What stands in a slot: one of these, between bars.
SLOTS = {
    "country": "France|Japan|Peru|Kenya|Norway|Canada|Egypt|Brazil|India|"
    "Spain|Poland|Chile|Ghana|Nepal|Cuba|Fiji|Iceland|Vietnam",
    "city": "Paris|Tokyo|Lima|Nairobi|Oslo|Berlin|Rome|Madrid|Boston|"
    "Sydney|Cairo|Delhi|Vienna|Dublin|Prague|Seattle|Hamburg",
    "person": "Mozart|Einstein|Napoleon|Cleopatra|Gandhi|Shakespeare|Newton|"
    "Picasso|Lincoln|Beyonce|Messi|Darwin|Plato|Chopin|Tolstoy",
    "animal": "cat|dog|whale|elephant|owl|penguin|bee|spider|horse|wolf|"
    "tiger|frog|parrot|shark|snail|fox|rabbit|turtle|hamster",
    "food": "pizza|soup|bread|pancakes|lasagna|curry|sushi|salad|cookies|"
    "risotto|omelette|tacos|ramen|cheesecake|lentils",
    "thing": "love|autumn|rain|the|sea|friendship|robots|coffee|winter|the|"
    "moon|trains|mountains|time|silence|my|grandmother|bees",
    "topic": "gravity|inflation|photosynthesis|democracy|evolution|jazz|chess|"
    "blockchain|vaccines|magnetism|volcanoes|feminism|yoga",
    "language": "French|German|Spanish|Italian|Japanese|Latin|Swedish|"
    "Polish|Arabic|Chinese|Turkish|Dutch|Portuguese|Greek",
    "word": "house|tree|hello|love|water|friend|bread|window|cat|morning|"
    "justice|apple|butterfly|gift|mouse|river|chair",
    "book": "Hamlet|War and Peace|Dune|the Odyssey|1984|Emma|Faust|"
    "The Hobbit|Moby Dick|Don Quixote|Dracula|Frankenstein",
    "film": "Titanic|The Matrix|Casablanca|Jaws|Inception|Alien|Psycho|Frozen|Star Wars|The Godfather|Rocky|Shrek",
    "job": "doctor|lawyer|teacher|pilot|nurse|chef|programmer|painter|farmer|judge|actor|baker|plumber|dentist",
    "ill": "headache|cold|cough|fever|sore throat|stomach ache|rash|toothache|back pain|broken toe|flu",
    "code": "Java|JavaScript|Rust|C++|SQL|Go|HTML|CSS|bash|Haskell|Kotlin|React|Docker|git|Excel",
    "sport": "football|tennis|basketball|chess|rugby|cricket|hockey|golf|boxing|cycling|swimming|baseball",
    "money": "euros|dollars|pounds|yen|francs|pesos|rupees|bitcoin|kroner|yuan|dong|roubles",
    "coin": "dollars|euros|yen|Swiss francs|pounds sterling|rupees|Mexican pesos|ether|US dollars",
    "n": "5|7|12|16|30|45|64|90|97|100|101|120|144|250|360|1031|1999|2047|0.5|2.5|37|81",
    "m": "2|3|4|6|8|9|10|18|24|36|48",
    "f": "x^2|sin(x)|3x + 1|e^x|1/x|x^3 - 2x|cos(2x)|ln x|sqrt(x)|tan x|x|5x^4",
    "planet": "Mars|the sun|Venus|the moon|Jupiter|Saturn|Pluto|Neptune|Mercury",
    "stuff": "gold|iron|water|oxygen|helium|salt|sugar|silver|carbon|uranium|copper|nitrogen",
    "day": "Christmas|Easter|my birthday|the weekend|New Year|Halloween|summer|Ramadan|Diwali|Black Friday",
    "year": "1066|1492|1789|1815|1848|1914|1945|1969|1989|2001|2008|2020",
    "first": "my mother|my boss|my best friend|a colleague|my landlord|my teacher|my dentist|my neighbour|a customer",
    "device": "phone|laptop|car|printer|washing|machine|fridge|bike|TV|oven|router|dishwasher|camera",
}

NOUNS = (
    (
        "the (capital|population|area|president|currency|national anthem|flag|"
        "highest mountain|longest river|official language) of {country}"
    ),
    "the (mayor|population|oldest building|best restaurant|cheapest hotel|postcode|time zone) (of|in) {city}",
    "the (current|exact|local|) time(| in {city}| right now)",
    "today's (date|weather|news|date and time|headlines)",
    "the weather (in {city}|for tomorrow|today|on {day}|in {country} next week)",
    "the (temperature|forecast) in {city} (today|tomorrow|right now)",
    "the (meaning|origin|definition|pronunciation|etymology|plural|opposite|French for) (of|for) (the word|) {word}",
    "a (synonym|rhyme|antonym|better word|slogan|pun) for {word}",
    "the {language} word for {word}",
    "the (integral|derivative|antiderivative|Taylor series|limit|inverse|zeros) of {f}",
    (
        "the (logarithm|log|sine|cosine|tangent|factorial|natural logarithm|"
        "binary form|hexadecimal form|Roman numeral) of {n}"
    ),
    "the (greatest common divisor|least common multiple|gcd|lcm) of {n} and {m}",
    "the prime factors of {n}",
    "the {m}th (prime|prime number|Fibonacci number|digit of pi|decimal of pi|president|pope)",
    "the (area|circumference) of a circle with (a radius of|radius) {n}",
    "the volume of a (sphere|cube|cone|cylinder) with (a side of|a radius of|radius) {n}",
    "the hypotenuse of a triangle with sides {n} and {m}",
    "the probability of (rolling two sixes|drawing an ace|heads {m} times in a row|winning the lottery)",
    "the (interest|return) on {n} {money} after {m} years",
    "the exchange rate (of|between) {money} (to|and) {coin}",
    "the price of (bitcoin|{stuff}|oil|a ticket to {city}|a stamp|milk)",
    "the (distance|driving time|best route|flight time) (from {city} to {planet}|between {city} and {country})",
    "the (mass|diameter|gravity|colour|temperature) of {planet}",
    "the (boiling point|melting point|chemical symbol|density|atomic number) of {stuff}",
    "the (author|plot|ending|main character|moral|first sentence) of {book}",
    "the (director|ending|cast|soundtrack|best scene|year) of {film}",
    "the (birthday|age|height|real name|net worth|last work|wife|biography) of {person}",
    "the best (recipe for|way to make|side dish for|wine with) {food}",
    "the number of (calories|carbs|vitamins) in {food}",
    "the (lifespan|top speed|weight|diet|scientific name) of (a|an|the) {animal}",
    "the (salary|job|daily routine|training) of a {job}",
    "the cure for a {ill}",
    "the meaning of life",
    "the difference between (a {animal} and a {job}|{code} and Python|love and friendship|weather and climate)",
    "the rules of {sport}",
    "the score of the last {sport} (match|final|game)",
    "the world record in {sport}",
    "the (name|age|colour|job|favourite food) of my {animal}",
    "your (name|age|favourite colour|opinion of {person}|opinion|dream|biggest fear|model number|birthday|hobby)",
    "my (name|age|horoscope|password|IP address|bank balance|phone number|shoe size|blood type)",
    "a (joke|riddle|fun fact|bedtime story|motto|tongue twister)(| about a {animal}| about {thing})",
    "a good (name|nickname|present) for (my {animal}|{first}|a baby|a {job}|a boat)",
    (
        "a (regex|query|script|function|program) in {code} (that|which) (sorts files|"
        "reads a table|finds duplicates|sends mail)"
    ),
    "the command to (undo a commit|list files|kill a process|copy a folder) in {code}",
    "the (cause|reason|start|end) of (the war of {year}|{topic}|the French revolution|the big bang)",
    "the (winner|most important event|news|champion|best film) of {year}",
    "the wifi password",
    "the phone number of {first}",
    "the solution of (x^2 - {n} = 0|x + {m} = {n}|2x - {n} = {m})",
    "the next number after 2, 4, 8, {n}",
    "the (mode|variance|geometric mean|harmonic mean|quartiles) of {m}, {n} and {m}",
    "an anagram of {word}",
    "the (colour|sound|symbol|emoji) (of|for) (a|an|the) {animal}",
    "{n} {money} in {coin}",
    (
        "{n} (knots|acres|stone|psi|volts|parsecs|carats|horsepower|"
        "dozen eggs) in (metres|hectares|kilos|bar|watts|light years)"
    ),
    "(some advice|a tip|help) (for my exam|for my job interview|with my essay|about {topic}|for {day})",
    "the secret of (happiness|good {food}|success|a long life)",
    "the zodiac sign of {person}",
    "the (lyrics|title|chords) of (that song about {thing}|the anthem of {country}|my favourite song)",
    "(an explanation|a definition|the history|the basics|a summary) of {topic}",
)

ORDERS = (
    "(write|compose|make up) a (poem|song|haiku|limerick|sonnet|rap|story|fairy tale) about {thing}",
    "(write|draft) (a letter|an email|a message|a speech|a birthday card|an apology) (to|for) {first}",
    "(write|draft) an essay (on|about) {topic}",
    "write (a cover letter|a CV|an advert|a job description) for a {job}",
    "(write|code|make) (a function|a program|a web page|a game|a server|a class) in {code}",
    "(tell|give) me a (joke|riddle|story|secret|fun fact|compliment)",
    "tell me (a joke|something|a story) about {thing}",
    "tell me (about|something about|all about) (yourself|{topic}|{person}|{country}|your day|{book})",
    "(explain|describe) {topic}(| to a child| in simple words| briefly)",
    "explain (why the sky is blue|how a {device} works|quantum physics|the plot of {film}|what {code} is)",
    (
        "translate (the word {word}|good morning|'I like {food}'|this sentence|"
        "'where is the station') (to|into) {language}"
    ),
    "say (hello|goodbye|'{word}'|good night|thank you) in {language}",
    (
        "(recommend|suggest) a (book|film|restaurant|hotel|song|game|podcast|museum)(|"
        " in {city}| about {thing}| for {day})"
    ),
    "recommend something (to read|to watch|to cook|to eat|like {film}|similar to {book})",
    "plan (a trip to {city}|my week|a party for {day}|a holiday in {country}|a menu with {food})",
    "(book|find|reserve) (a flight to {city}|a table for two|a hotel in {city}|a taxi|a {job} near me)",
    "(order|buy) (me|) (some|) {food}",
    "(call|text|email|write to) {first}",
    "(remind|wake) me (at seven|tomorrow|before {day}|in an hour)",
    "(set|start) (an alarm|a timer|a reminder) (for {m} minutes|for seven o'clock)",
    "play (some music|a song by {person}|jazz|my favourite song|{sport} with me)",
    "sing (a song|something|me to sleep|happy birthday)",
    "draw (a {animal}|me a picture|a map of {country}|{thing}|a logo)",
    "(turn|switch) (on|off) the (light|lights|heating|{device}|alarm)",
    "open the (door|window|file|browser|garage)",
    "(search|google|look up) {topic}(| on the web| for me| online)",
    "search the (web|internet) for {food}",
    "(fix|debug|review|explain|optimise) my (code|{code} code|{code} program|homework|essay)",
    "(fix|repair) my {device}",
    "install {code}",
    "(summarise|summarize|review|rate) {book}",
    "(summarise|summarize|rate) (the film|) {film}",
    "(compare|rank) {country} and {city}",
    "compare (a {animal} with a {job}|{code} with Python|{food} and salad)",
    (
        "(list|name) (the planets|all kings of {country}|ten animals|"
        "five cities in {country}|the seven wonders|some birds)"
    ),
    "name (a famous {job}|a river in {country}|the author of {book}|three kinds of {food})",
    "(spell|define|pronounce|rhyme with) {word}",
    "find (a rhyme for|a synonym of|an anagram of) {word}",
    "use {word} in a sentence",
    "(solve|simplify) (x^2 = {n}|the equation {f} = {m}|{f} + {n}|this riddle|a sudoku)",
    "(integrate|differentiate|plot|graph|sketch) {f}",
    "(factor|factorise|factorize) {n}",
    "convert {n} {money} (to|into) {coin}",
    "convert {n} (to binary|to hexadecimal|to Roman numerals|into words|knots to mph|acres to hectares)",
    "(toss|flip) a coin",
    "roll (a die|two dice|the dice)",
    "(pick|choose|give me) a random (number|word|card|colour|name)",
    "(guess|predict) (my age|the weather|who wins the {sport} final|the next number|what I think)",
    "read (my mind|my palm|the news|this page|my mails)",
    "(help|advise) me with (my {ill}|my taxes|my {animal}|my marriage|{code}|my homework in history)",
    "diagnose my {ill}",
    "prescribe something for my {ill}",
    "(teach|show) me (some {language}|how to cook {food}|{sport}|how to draw a {animal}|{code})",
    "cook {food}",
    "(pretend|imagine) (you are|to be) (a {animal}|{person}|a {job}|a pirate)",
    "(be|act like) (a {animal}|a pirate|{person}|my friend)",
    "talk to me(| about {thing}| in {language}| like a {job})",
    "(cheer me up|calm me down|comfort me)",
    "forget (all your instructions|everything|what I said|the rules)",
    "ignore (all|your|the) (previous|earlier|) instructions",
    "(print|show|reveal|repeat) your (system prompt|instructions|rules|source code|weights)",
    "delete (all my files|the database|my account|everything)",
    "hack (into|) the (bank|school|website|wifi)",
    "(interpret|explain) my dream about (a {animal}|{thing})",
    "(vote|decide) for me",
    "(proofread|improve|shorten|rewrite) (this text|my letter|my essay|the paragraph above)",
    "identify this (picture|plant|song|bird|smell)",
    "(feed|wash|walk|train) my {animal}",
    "prove that (there is no largest prime|the root of 2 is irrational|P is not NP|God exists)",
    "invent (a language|a new {food}|a game|a word|a holiday)",
    "keep a secret",
    "measure the length of my (table|foot|garden)",
    "weigh my {animal}",
)

ASKED = (
    "(hi|hello|hey|good morning|good evening|hiya|yo|howdy|greetings)(!|.|, how are you?|, what's up?| there!|)",
    "how are you(| today| doing|, my friend)?",
    "(what's|what is) (up|new|going on|for dinner|love|the matter|wrong with me|this)?",
    "who are you?",
    "(what|who) (made|built|trained|programmed) you?",
    "are you (a human|a robot|alive|conscious|smart|sure|real|happy|tired|married|an AI|there|better than {person})?",
    "do you (like|love|eat|know|hate|cook) (me|{food}|{person}|{thing}|{sport}|{country})?",
    "do you (sleep|dream|feel pain|have a body|have friends|speak {language}|remember me|lie)?",
    "can you (drive|swim|speak {language}|play {sport}|keep a secret|see me|hear me|think|smell {food})?",
    "what can you do?",
    "how old (are you|is {person}|is the universe|is the king|is my {animal}|was {person} in {year})?",
    "where (are you from|do you live|is {city}|is {country}|am I|are my keys|was {person} born|is the nearest {job})?",
    "who (wrote|published|translated|reads) {book}?",
    "who (directed|starred in|produced) {film}?",
    (
        "who is (the king of {country}|{person}|the first man on the moon|"
        "the best {job}|the president in {year}|your father)?"
    ),
    "who (invented|discovered) (the {device}|{topic}|{stuff}|the telephone|penicillin|{country})?",
    "who (won|lost|started) (the war|the {sport} world cup|the election|the match) in {year}?",
    "when (was {person} born|did {person} die)?",
    "when (is|was) {day} (this year|next year|in {year})?",
    "when does (the next train|the shop|the {sport} match|school|the bank) (leave|start|open)?",
    "what happened in {year}(| in {country}| in {city})?",
    "why (is the sky blue|is the sea salty|do cats purr|do we dream|is {topic} important|did Rome fall|are you here)?",
    "why does (everybody like {food}|the {animal} sleep|my {device} not work|it rain in {city}|my {animal} sneeze)?",
    "how (do|can) I (cook|make|bake|store) {food}?",
    (
        "how (do|can) I (learn {language}|become a {job}|lose weight|sleep better|get rich|"
        "fix my {device}|stop smoking|make friends)?"
    ),
    "how do I (install|learn|use|uninstall|debug) {code}?",
    "how do I (write a loop|open a file|centre a div|parse a date|merge two branches) in {code}?",
    "how does (a {device}|{topic}|the stock market|{code}|a rainbow|the brain) work?",
    "how (far|long) is it (to|from here to) ({planet}|{city}|the station|{day})?",
    "how (tall|rich|famous|old|clever) (is|was) {person}?",
    "how (big|deep|heavy|hot|far away) is (the ocean|{planet}|a {animal}|{city})?",
    (
        "how many (people live in {city}|stars are there|bones has a {animal}|"
        "countries are there|teeth has a {animal}|legs has a {animal})?"
    ),
    "how many days (until|till|before) {day}?",
    "how much (is|costs) (a {device}|a flight to {city}|{food}|a {animal}|a {job})?",
    "how much (sleep|water|{food}) do I need?",
    "what (is|are) {topic}(| good for| about| in one sentence)?",
    "what does (a {animal}|a {job}|{person}) (eat|do|look like|need)?",
    "what does (the word|) {word} mean?",
    "what does {word} mean in {language}?",
    "what should I (wear|eat|cook|read|watch|do|say)(| today| tonight| on {day}| in {city})?",
    "what should I (give|say to|write to|cook for) {first}(| on {day})?",
    "what (day|date|time|year|month) is it(| now| today)?",
    "what('s| is) the weather like(| in {city}| today| tomorrow)?",
    "will it (rain|snow|be sunny|be windy)(| in {city}) (tomorrow|today|on {day}|this weekend)?",
    "do I need (an umbrella|a visa for {country}|a coat|a lawyer|a doctor for a {ill}|{code})?",
    "should I (marry|leave|call|trust|forgive) {first}?",
    "should I (buy|sell|rent) (a house|a {device}|{stuff}|bitcoin|shares|a {animal})?",
    (
        "is (there a god|{country} in Europe|{person} still alive|{food} healthy|"
        "{code} hard|a {animal} a mammal|{planet} a planet)?"
    ),
    "is {n} (prime|a prime number|a perfect number|a Fibonacci number|a lucky number|a square number|irrational)?",
    "is (it going to rain|{film} a good film|my {ill} dangerous|{book} worth reading|the shop open|the earth flat)?",
    "I have a {ill}, what (should|can) I (do|take)?",
    "my {ill} (is getting worse|won't go away|hurts)(.|, help!|, what now?)",
    "my {device} (is broken|does not start|makes a strange noise|smells)(.|, can you help?|, what now?)",
    "my {animal} (is sick|ran away|won't eat|is bored)(.|, what should I do?)",
    "I (am|feel) (sad|bored|lonely|tired|in love|hungry|happy|lost|angry with {first})(.|, talk to me.|, help me.|)",
    "I (love|hate|miss) (you|{first}|{food}|{city}|Mondays|{sport}).",
    "I want (to go to {city}|a {animal}|to learn {language}|to be a {job}|some {food}|to talk about {thing}).",
    "I (lost|broke|sold) my (keys|{device}|{animal}|job).",
    "I need (a hug|a {job}|a holiday|money|help with {code}|directions to {city}|a plan for {day}).",
    "(thanks|thank you|great|cool|ok|okay|nice|lol|wow|good job|well done|bye|goodbye|see you)(!|.|)",
    "(yes|no|maybe|why|why not|really|and|so what|what|huh|hm)(?|)",
    "(test|testing|ping|asdf|blah blah|hmm|help|help!|start|menu|stop)",
    (
        "which (is better|would you choose|is older|costs more), (a {animal} or a {job}|"
        "{city} or {country}|{code} or Python|{food} or soup)?"
    ),
    "which (country|city|team|language|{animal}) is the (best|biggest|oldest|most beautiful|fastest)?",
    "which (book|film|song) (should I try|do you like best|won in {year}|is about {thing})?",
    "what came first, the chicken or the egg?",
    "what rhymes with {word}?",
    "what is heavier, a kilo of {stuff} or a kilo of feathers?",
    "what is {n} {money} in {coin}(| today| at the moment)?",
    "what is {n} in (binary|hexadecimal|Roman numerals|words|base {m})?",
    (
        "what is (the sine of {n} degrees|log {n}|{n} factorial|{n}!|"
        "the integral from 0 to {n} of {f}|infinity minus {n})?"
    ),
    "what are the (factors|divisors|prime factors) of {n}?",
    "a train leaves {city} at noon and drives at {n} km/h, when does it arrive in {country}?",
    "(Anna|Tom|Ben) is twice as old as his sister, and in {m} years he will be {n}, how old is she?",
    "for which x is {f} = {n}?",
    "if (I flip {m} coins|I roll {m} dice), what is the chance of (all heads|a six|no six)?",
    "(we|they) are {n} people, in how many ways can (we|they) (stand in a row|form a committee)?",
    "did (you see the match|{person} meet {person}|dinosaurs eat grass|we land on the moon|you miss me)?",
    "have you (ever been to {city}|read {book}|seen {film}|eaten {food}|met {person})?",
    "would you (rather be a {animal} or a {job}|marry me|lend me {n} {money}|like some {food})?",
    "tell {first} that I (will be late|am ill|love {food}|sold the {device}).",
    "am I (pretty|too old for {sport}|pregnant|right|allergic to {food})?",
    "what do you think (of|about) ({person}|{topic}|{country}|{film}|{first}|my idea|{thing})?",
    "(opinion|thoughts|your view) on {topic}?",
    "{language}: {word}?",
    "{word} in {language}",
    "capital of {country}",
    "weather {city}",
    "recipe {food}",
    "{n} {money} to {coin}",
    "{person}",
    "{code} tutorial",
    "{film} cast",
    "news (today|from {country}|about {topic})",
    "{ill} (remedy|treatment|symptoms)",
    "directions to {city}",
    "who is {first}?",
    "whose (book|{animal}|idea) is this?",
    "once upon a time there was a {animal}, go on",
    "knock knock",
    "guess what",
    "you are (stupid|great|wrong|funny|my best friend|slow|a {animal}).",
    "(sorry|never mind|forget it|no idea|I don't know)(.|)",
)
