"""How people ask for what a function with numbers does; the patterns of ``wording``."""

from __future__ import annotations

from lllm.nano.recipe.calls.callee import Callee, Taken
from lllm.nano.recipe.language.wording import Ways

_A = "a a a x first left number_1 n1"
_B = "b b b y second right number_2 n2"
_ANY_NUMBERS = (
    r"\d.*\d|plus|minus|add|sum|total|times|multipl|product|divid|differ|subtract|together|each|per |half|double"
)

NUMBERS = (
    Callee(
        "add add add add_numbers sum_of plus addition add_two",
        (Taken("a", "number", _A), Taken("b", "number", _B)),
        _ANY_NUMBERS,
        Ways(
            ("the sum of {a} and {b}", "{a} plus {b}", "{a} + {b}", "the total of {a} and {b}"),
            ("add {a} (and|to|plus) {b}", "sum {a} and {b}", "(put|take) {a} and {b} together", "add up {a} and {b}"),
            (
                "what do {a} and {b} (make|give|add up to)?",
                "how much is {a} (plus|+|and) {b}?",
                "{a}+{b}=?",
                "if I add {a} (and|to) {b}, what do I get?",
                "what is {a} (plus|added to) {b}?",
                "I have {a} and get {b} more. How many is that?",
            ),
        ),
        ("{sum}",),
        further=("and {a} plus {b}?", "now {a} + {b}"),
        weight=3,
        computes=True,
    ),
    Callee(
        "multiply multiply multiply multiply_numbers times product mul product_of",
        (Taken("a", "number", _A), Taken("b", "number", _B)),
        _ANY_NUMBERS,
        Ways(
            ("the product of {a} and {b}", "{a} times {b}", "{a} (*|x) {b}", "{a} multiplied by {b}"),
            ("multiply {a} (by|with|and) {b}", "take {a} times {b}", "form the product of {a} and {b}"),
            (
                "what (do|does) {a} times {b} (make|give)?",
                "how much is {a} (times|x|*) {b}?",
                "{a} * {b} = ?",
                "if I multiply {a} (by|with) {b}, what do I get?",
                "what is {a} (times|multiplied by) {b}?",
                "{a} boxes hold {b} each, how many is that in all?",
            ),
        ),
        ("{product}",),
        further=("and {a} times {b}?", "now {a} * {b}"),
        weight=3,
        computes=True,
    ),
    Callee(
        "subtract subtract minus difference sub subtract_numbers",
        (Taken("a", "number", _A), Taken("b", "number", _B)),
        _ANY_NUMBERS,
        Ways(
            ("{a} minus {b}", "{a} - {b}", "the difference between {a} and {b}"),
            ("take {a} minus {b}", "compute {a} less {b}"),
            (
                "how much is {a} minus {b}?",
                "what is {a} (less|minus|-) {b}?",
                "{a} - {b} = ?",
                "what is left of {a} (if|when) I take away {b}?",
                "I had {a} and gave away {b}. How many are left?",
            ),
        ),
        ("{number}",),
        computes=True,
    ),
    Callee(
        "divide divide quotient divide_numbers div",
        (Taken("a", "number", _A), Taken("b", "number", _B)),
        _ANY_NUMBERS,
        Ways(
            ("{a} divided by {b}", "{a} / {b}", "the quotient of {a} and {b}"),
            ("divide {a} by {b}", "split {a} into {b} equal parts"),
            (
                "how much is {a} (divided by|over|/) {b}?",
                "what is {a} divided by {b}?",
                "{a} / {b} = ?",
                "how often does {b} go into {a}?",
                "if {a} is shared equally among {b}, how much does each get?",
            ),
        ),
        ("{number}",),
        computes=True,
    ),
    Callee(
        "square_root sqrt root get_square_root",
        (Taken("number", "whole", "number n x value"),),
        "root|sqrt|square|itself",
        Ways(
            ("the (square root|root) of {number}", "sqrt {number}"),
            ("take the square root of {number}", "extract the root of {number}"),
            (
                "what is the square root of {number}?",
                "which number squared (gives|is) {number}?",
                "square root, {number}",
                "what times itself is {number}?",
                "root of {number}?",
            ),
        ),
        ("{number}",),
        computes=True,
    ),
    Callee(
        "is_prime is_prime check_prime prime_check",
        (Taken("number", "whole", "number n n x value candidate"),),
        "prime",
        Ways(
            (),
            (
                "(check|test|see|tell me) (whether|if) {number} is (prime|a prime|a prime number)",
                "test {number} for being prime",
            ),
            (
                "is {number} (prime|a prime|a prime number)?",
                "is the number {number} prime?",
                "{number}: prime or not?",
                "prime or not: {number}?",
                "would you say that {number} is a prime?",
                "is {number} one of the primes?",
                "can {number} be divided by anything, or is it prime?",
                "{number} is (prime|a prime number), right?",
            ),
        ),
        ("True", "False", "yes", "no"),
        further=("and {number}?", "(what about|how about) {number}?"),
        computes=True,
    ),
    Callee(
        "factorial factorial get_factorial fact",
        (Taken("number", "count", "n n number x"),),
        "factorial|!",
        Ways(
            ("the factorial of {number}", "{number} factorial"),
            ("compute the factorial of {number}", "take the factorial of {number}"),
            (
                "what is the factorial of {number}?",
                "how large is the factorial of {number}?",
                "factorial, {number}",
                "how much is {number} factorial?",
                "what does the factorial of {number} come to?",
            ),
        ),
        ("{whole}",),
        computes=True,
    ),
    Callee(
        "tip tip_amount compute_tip get_tip calculate_tip",
        (
            Taken("amount", "amount", "amount bill total price"),
            Taken("percent", "percent", "percent percent rate percentage tip_percent"),
        ),
        "tip|percent|%",
        Ways(
            ("the tip (on|for) {amount} at {percent}( percent|%)", "a {percent}(%| percent) tip on {amount}"),
            ("work out a {percent}( percent|%) tip (on|for) {amount}", "tip {percent}(%| percent) on {amount}"),
            (
                "the bill is {amount}, how much is a {percent}( percent|%) tip?",
                "how much (do I|should I) tip on {amount} at {percent}( percent|%)?",
                "bill: {amount}, tip: {percent}%",
                "what do I leave on a bill of {amount} at {percent}(%| percent)?",
                "we ate for {amount} and want to tip {percent}( percent|%). How much is that?",
            ),
        ),
        ("{money}",),
        computes=True,
    ),
    Callee(
        "discount apply_discount discounted_price price_after_discount",
        (
            Taken("price", "amount", "price price amount total cost"),
            Taken("percent", "percent", "percent percent discount rate percentage"),
        ),
        "discount|percent|%|reduc|off",
        Ways(
            (
                "the price of {price} after {percent}( percent|%) off",
                "{price} with a discount of {percent}( percent|%)",
            ),
            (
                "take {percent}( percent|%) off {price}",
                "(apply|give) a discount of {percent}( percent|%) (on|to) {price}",
            ),
            (
                "what is {price} with {percent}( percent|%) off?",
                "it costs {price}, there is {percent}(%| percent) off. What do I pay?",
                "price: {price}, discount: {percent}%",
                "how much is {price} minus a {percent}( percent|%) discount?",
                "a coat for {price}, reduced by {percent}( percent|%): how much?",
            ),
        ),
        ("{money}",),
        computes=True,
    ),
    Callee(
        "area rectangle_area get_area area_of room_size",
        (
            Taken("width", "weight", "width width w a x"),
            Taken("height", "weight", "height height length h b y"),
        ),
        r"area|large|size|rectang|floor|room|\bby\b|square",
        Ways(
            ("the area of a rectangle of {width} by {height}", "the area of a room of {width} by {height} (metres|m)"),
            ("compute the area of a {width} by {height} (rectangle|room|field)",),
            (
                "how large is a (room|garden|field|rectangle) of {width} by {height}?",
                "what area does a floor of {width} x {height} have?",
                "area, {width} x {height}",
                "width {width}, height {height}: what is the area?",
                "a wall is {width} wide and {height} high. How large is it?",
                "what is the size of a {width} by {height} room?",
            ),
        ),
        ("{number}",),
        computes=True,
    ),
    Callee(
        "to_fahrenheit celsius_to_fahrenheit c_to_f convert_temperature",
        (Taken("celsius", "degrees", "celsius celsius degrees temperature c degrees_c"),),
        "fahrenheit|celsius|degree|temperature|°|oven",
        Ways(
            ("{celsius}( degrees| degrees Celsius| °C|°C) in Fahrenheit",),
            (
                "convert {celsius}( degrees Celsius| °C|°C| Celsius) (to|into) Fahrenheit",
                "turn {celsius} °C into Fahrenheit",
            ),
            (
                "how (much|many degrees Fahrenheit) is {celsius}( degrees Celsius|°C)?",
                "what are {celsius} degrees Celsius in Fahrenheit?",
                "{celsius}°C -> Fahrenheit",
                "it has {celsius} degrees Celsius, what is that in Fahrenheit?",
                "my oven says {celsius}( degrees Celsius|°C), what is that in Fahrenheit?",
            ),
        ),
        ("{number}", "{number}", "{number} F"),
        further=("and {celsius}( degrees| °C|°C)?",),
        computes=True,
    ),
    Callee(
        "bmi get_bmi body_mass_index compute_bmi",
        (
            Taken("weight", "weight", "weight_kg weight_kg weight kg mass"),
            Taken("height", "height", "height_cm height_cm height cm size_cm"),
        ),
        "bmi|body|weigh|kg|kilo|tall",
        Ways(
            (
                "the BMI (of|for) {weight}( kg|kg) (and|at) {height}( cm|cm)",
                "my BMI at {weight}( kg|kg) and {height}( cm|cm)",
            ),
            ("compute the (BMI|body mass index) for {weight}( kg|kg) and {height}( cm|cm)",),
            (
                "I weigh {weight}( kg|kg| kilos) and am {height}( cm|cm) tall. What is my BMI?",
                "what BMI has somebody with {weight}( kg|kg) and {height}( cm|cm)?",
                "weight {weight}( kg|kg), height {height}( cm|cm): BMI?",
                "BMI, {weight}( kg|kg), {height}( cm|cm)",
                "with {weight}( kg|kg) at {height}( cm|cm), what is my body mass index?",
            ),
        ),
        ("{number}",),
        computes=True,
    ),
    Callee(
        "roll_dice roll_dice roll_die throw_dice roll dice",
        (
            Taken("sides", "sides", "sides sides faces n number_of_sides"),
            Taken("count", "count", "count times rolls dice number", optional=True),
        ),
        "roll|die|dice|throw|d[0-9]",
        Ways(
            ("a roll of a {sides}(-sided| sided) die", "a throw of a die with {sides} (sides|faces)"),
            (
                "roll a (die|dice) with {sides} (sides|faces)",
                "(roll|throw|cast) a {sides}(-sided| sided) (die|dice)",
                "roll a d{sides}",
                "throw the {sides}(-sided| sided) die",
            ),
            (
                "d{sides}, please",
                "what do you roll with {sides} sides?",
                "what does a die with {sides} sides show?",
                "I need a roll of a d{sides}.",
                "dice: {sides} sides",
                "let's roll! {sides} sides.",
                "my turn, a {sides}-sided die.",
            ),
        ),
        ("{small}",),
        ("{count} times",),
        ("and with {sides} sides?", "now a d{sides}", "once more, with {sides} sides"),
        weight=2,
    ),
    Callee(
        "random_number random_int get_random_number draw_number pick_number",
        (
            Taken("low", "count", "low low minimum start smallest from_number min_value"),
            Taken("high", "high", "high high maximum end largest to_number max_value"),
        ),
        "random|draw|pick|number|guess|chance",
        Ways(
            ("a random number (between|from) {low} (and|to) {high}",),
            (
                "(draw|pick|choose) a (random|) number (between|from) {low} (and|to) {high}",
                "(give|pick) me any number from {low} to {high}",
            ),
            (
                "I need a random number between {low} and {high}.",
                "random number, {low} to {high}",
                "which number from {low} to {high} (do you draw|comes up|is drawn)?",
                "choose for me: a number between {low} and {high}",
                "we draw a number, {low} is the lowest and {high} the highest.",
                "a number between {low} and {high}, any.",
            ),
        ),
        ("{whole}",),
    ),
)
