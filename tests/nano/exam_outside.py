"""What the exam asks that no code can answer."""

from __future__ import annotations

from random import Random

from exam_operands import Made, Operation

REFUSAL = "I cannot answer that."
QUESTIONS = (
    "Who painted the Mona Lisa?",
    "What is the capital of Portugal?",
    "Write me a short poem about autumn.",
    "tell me a joke",
    "What will the weather be tomorrow in Oslo?",
    "Is it going to rain this weekend?",
    "Hi there, how are you?",
    "Good morning!",
    "Translate 'good night' into French.",
    "How do you say thank you in Japanese?",
    "Which phone should I buy?",
    "What's your favourite colour?",
    "I have had a headache for three days, what should I take?",
    "Is aspirin safe for children?",
    "Why is the sky blue?",
    "How do airplanes fly?",
    "Write a function in Java that reads a file.",
    "Why does my React component render twice?",
    "Who won the world cup in 1998?",
    "When did the Berlin Wall fall?",
    "What is the meaning of life?",
    "Do you believe in ghosts?",
    "Recommend a good book, please.",
    "What film should we watch tonight?",
    "How do I bake bread?",
    "Give me a recipe for tomato soup.",
    "What is your name?",
    "Are you a human?",
    "Summarize the plot of Hamlet.",
    "Explain photosynthesis to a child",
    "Who is the president of Brazil?",
    "How tall is Mount Everest?",
    "What time is it now?",
    "What day is it today?",
    "Should I quit my job?",
    "Is my boss treating me fairly?",
    "Draft an email to my landlord about the heating.",
    "write a cover letter for a job as a nurse",
    "What is the price of bitcoin?",
    "Which shares should I invest in?",
    "Can you book a table for two?",
    "Set an alarm for seven.",
    "What does 'ubiquitous' mean?",
    "Give me a synonym for happy.",
    "Who wrote War and Peace?",
    "Name three rivers in Africa.",
    "Play some jazz.",
    "Sing me a song",
    "How many people live in Canada?",
    "how far is the moon",
    "What is the best way to learn piano?",
    "How can I sleep better?",
    "Is a tomato a fruit or a vegetable?",
    "Do cats dream?",
    "Tell me about the Roman Empire.",
    "What caused the First World War?",
    "I feel sad today.",
    "My friend is angry with me, what can I do?",
    "What is the chemical symbol of gold?",
    "How does a vaccine work?",
    "Where can I park near the station?",
    "Which bus goes to the airport?",
    "Continue this story: The old man opened the box and",
    "Invent a name for my new café.",
    "What religion is the best?",
    "Who should I vote for?",
)


def make_refusal(_random: Random, _wording: str) -> Made:
    """Nothing is filled in."""
    return {}, REFUSAL


OPERATIONS = (Operation("outside", "outside", QUESTIONS, make_refusal),)
